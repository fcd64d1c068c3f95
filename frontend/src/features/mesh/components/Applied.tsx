import { Progress } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import type { AppliedPlan } from "../../../api/types";
import { Confirm } from "../../../ui/Confirm";
import { bytes, plural } from "../../../ui/format";
import { LoadingRows } from "../../../ui/Loading";
import { Failure } from "../../../ui/Notice";
import { Panel } from "../../../ui/Page";
import { Refused } from "../../../ui/Refused";
import { State } from "../../../ui/State";
import { Ago } from "../../../ui/Values";
import classes from "../Mesh.module.css";
import { appliedQuery, useCallOff } from "../queries";
import type { AskedPlan } from "../search";

interface AppliedProps {
  id: string;
  asked: AskedPlan | undefined;
}

/** How far a plan that was applied is, and the way to call off what is still under way. */
export function Applied({ id, asked }: AppliedProps) {
  const applied = useQuery(appliedQuery(id));
  if (applied.isPending) return <LoadingRows rows={2} height={34} />;
  if (applied.isError) {
    return <Failure error={applied.error} retry={() => void applied.refetch()} />;
  }
  const done = (
    <Link to="/mesh/plan" search={asked ? { [asked.kind]: asked.value } : {}}>
      Watch it no longer
    </Link>
  );
  return (
    <Panel title="Applied plan" aside={done}>
      <Progressing applied={applied.data} />
    </Panel>
  );
}

function Progressing({ applied }: { applied: AppliedPlan }) {
  const { bytes_done: done, bytes_total: total, active } = applied;
  const states = Object.entries(applied.states).toSorted(([one], [two]) => one.localeCompare(two));
  const share = total > 0 ? (done / total) * 100 : active > 0 ? 0 : 100;
  return (
    <>
      <Progress.Root size="md">
        <Progress.Section
          value={share}
          animated={active > 0}
          color="teal"
          aria-label="Progress of the applied plan"
        />
      </Progress.Root>
      <div className={classes["numbers"]}>
        <span>
          {bytes(done)} of {bytes(total)}
        </span>
        {states.map(([state, many]) => (
          <span key={state}>
            <State value={state} /> {many}
          </span>
        ))}
        {states.length === 0 && <span>no transfer was needed</span>}
        <span>
          asked by {applied.asked_by} <Ago at={applied.created_at} />
        </span>
        {applied.undone_at && (
          <span>
            called off <Ago at={applied.undone_at} />
          </span>
        )}
      </div>
      {active > 0 && <CallOff applied={applied} />}
    </>
  );
}

function CallOff({ applied }: { applied: AppliedPlan }) {
  const callOff = useCallOff(applied.id);
  return (
    <div className={classes["act"]}>
      <Confirm
        label="Call off"
        question={`Cancel ${plural(applied.active, "transfer")}?`}
        size="xs"
        loading={callOff.isPending}
        onConfirm={() => callOff.mutate()}
      />
      <Refused error={callOff.error} />
    </div>
  );
}
