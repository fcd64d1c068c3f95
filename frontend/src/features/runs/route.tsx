import { useQuery } from "@tanstack/react-query";
import { createLazyRoute, useNavigate } from "@tanstack/react-router";

import { useSignedIn } from "../../api/session";
import type { RunDetail } from "../../api/types";
import { Asked } from "../../ui/Asked";
import { count } from "../../ui/format";
import { Sheet } from "../../ui/Sheet";
import { Tabbed } from "../../ui/Tabbed";
import { Accounts } from "./components/Accounts";
import { Card } from "./components/Card";
import { Head } from "./components/Head";
import { SetAsideTab } from "./components/SetAsideTab";
import { StatisticsTab } from "./components/StatisticsTab";
import { Trail } from "./components/Trail";
import { runQuery } from "./queries";
import { type RunTab, TABS } from "./search";
import { setAsideOf } from "./told";

export const route = createLazyRoute("/runs/$runId")({ component: RunPage });

/** One run: how it stands, where its rows went, what it made and what can be said of that. */
function RunPage() {
  const { runId } = route.useParams();
  const run = useQuery({ ...runQuery(runId), enabled: useSignedIn() });
  return (
    <Sheet
      title={run.data ? `Run of ${run.data.pipeline}` : "Run"}
      trail={<Trail run={run.data} />}
    >
      <Asked query={run}>{(found) => <One run={found} />}</Asked>
    </Sheet>
  );
}

function One({ run }: { run: RunDetail }) {
  const { tab = "accounts" } = route.useSearch();
  const navigate = useNavigate({ from: "/runs/$runId" });
  const show = (next: RunTab) => void navigate({ search: { tab: next }, resetScroll: false });
  return (
    <>
      <Head run={run} />
      <Tabbed tabs={TABS} titles={titlesOf(run)} tab={tab} onTab={show}>
        {tab === "accounts" && <Accounts run={run} />}
        {tab === "statistics" && <StatisticsTab run={run} />}
        {tab === "aside" && <SetAsideTab run={run} />}
        {tab === "card" && <Card run={run} />}
      </Tabbed>
    </>
  );
}

function titlesOf(run: RunDetail): Record<RunTab, string> {
  const aside = setAsideOf(run);
  return {
    accounts: "Accounts",
    statistics: "Statistics",
    aside: aside === null ? "Set aside" : `Set aside (${count(aside)})`,
    card: "Dataset card",
  };
}
