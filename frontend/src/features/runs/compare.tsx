import { useQuery } from "@tanstack/react-query";
import { createLazyRoute } from "@tanstack/react-router";

import { useSignedIn } from "../../api/session";
import type { RunDetail } from "../../api/types";
import { Asked } from "../../ui/Asked";
import { Empty } from "../../ui/Notice";
import { Panel } from "../../ui/Page";
import page from "../../ui/Page.module.css";
import { Sheet } from "../../ui/Sheet";
import { ChooseRun } from "./components/ChooseRun";
import { Differences } from "./components/Differences";
import { RunTable } from "./components/RunTable";
import { Trail } from "./components/Trail";
import { diffQuery, runQuery } from "./queries";

export const route = createLazyRoute("/runs/$runId/compare")({ component: ComparePage });

/** Two runs side by side: from the document down to the files of the results. */
function ComparePage() {
  const { runId } = route.useParams();
  const { with: other } = route.useSearch();
  const signedIn = useSignedIn();
  const run = useQuery({ ...runQuery(runId), enabled: signedIn });
  const second = useQuery({
    ...runQuery(other ?? ""),
    enabled: signedIn && other !== undefined,
  });
  return (
    <Sheet title="Compare two runs" trail={<Trail run={run.data} below />}>
      <Asked query={run}>
        {(found) => (
          <div className={page["stack"]}>
            <ChooseRun run={found} />
            {other ? (
              <Asked query={second}>{(paired) => <Pair runs={[found, paired]} />}</Asked>
            ) : (
              <Empty title="Choose the other run">
                You see in what the later one differs from the earlier one: document, versions of
                operators and libraries, inputs, rows and reasons by step, and files.
              </Empty>
            )}
          </div>
        )}
      </Asked>
    </Sheet>
  );
}

/** The earlier one comes first: ids are in the order of time. */
function Pair({ runs }: { runs: [RunDetail, RunDetail] }) {
  const [first, second] = runs[0].id <= runs[1].id ? runs : [runs[1], runs[0]];
  const diff = useQuery(diffQuery(first, second));
  return (
    <>
      <Panel title="From the first to the second" flush>
        <RunTable label="The two runs" rows={[first, second]} />
      </Panel>
      <Asked query={diff}>{(found) => <Differences diff={found} />}</Asked>
    </>
  );
}
