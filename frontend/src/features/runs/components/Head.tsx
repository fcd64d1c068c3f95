import { Link } from "@tanstack/react-router";

import type { RunDetail } from "../../../api/types";
import { Confirm } from "../../../ui/Confirm";
import { Digest } from "../../../ui/Copy";
import { duration } from "../../../ui/format";
import { Policies } from "../../../ui/Notice";
import page from "../../../ui/Page.module.css";
import { Refused } from "../../../ui/Refused";
import { State } from "../../../ui/State";
import { Ago } from "../../../ui/Values";
import { Way } from "../../../ui/Way";
import { Progress } from "../../jobs/components/Progress";
import { isActive } from "../../jobs/queries";
import { useRunAct } from "../queries";
import classes from "../Runs.module.css";
import { LookedUp } from "./LookedUp";

const MOVING = new Set(["claimed", "running", "publishing"]);
const RETRIED = new Set(["failed", "cancelled", "waiting"]);

/** How a run stands, why, how far it is, and what may be done about it. */
export function Head({ run }: { run: RunDetail }) {
  const moving = MOVING.has(run.state);
  const begun = run.shards_done > 0 && run.state !== "done";
  return (
    <>
      <p className={page["way"]}>
        <Way from={run.inputs} to={run.output_version ?? run.output} tab="versions" />
      </p>
      {run.looked_up && <LookedUp inputs={run.looked_up.inputs} />}
      <Facts run={run} />
      <Reason run={run} />
      {(moving || begun) && (
        <Progress
          id={run.id}
          label={`Progress of ${run.pipeline}`}
          done={run.shards_done}
          total={run.shards_total}
          unit="shards"
          active={moving}
        />
      )}
      <Acts run={run} />
    </>
  );
}

function Facts({ run }: { run: RunDetail }) {
  return (
    <p className={classes["standing"]}>
      <State value={run.state} />
      <When run={run} />
      <span>
        {run.policy ? `asked for by the policy ${run.policy}` : `asked for by ${run.asked_by}`}
        {run.purpose && ` for ${run.purpose}`}
      </span>
      {run.attempt > 1 && <span>attempt {run.attempt}</span>}
      {run.run_digest && <Digest value={run.run_digest} />}
      <Link to="/runs/$runId/compare" params={{ runId: run.id }}>
        Compare with…
      </Link>
    </p>
  );
}

function When({ run }: { run: RunDetail }) {
  if (run.finished_at) {
    return (
      <span>
        ended <Ago at={run.finished_at} />
        {run.seconds !== null && ` after ${duration(run.seconds)}`}
      </span>
    );
  }
  return (
    <span>
      {run.started_at ? "began" : "asked for"} <Ago at={run.started_at ?? run.created_at} />
    </span>
  );
}

/** Why it is in the state that it is in; the policies, where one of them refused it. */
function Reason({ run }: { run: RunDetail }) {
  const waits = run.state === "waiting";
  if (run.state === "done" || !(run.reason || run.reason_code || waits)) return null;
  return (
    <div className={classes["reason"]} data-bad={run.state === "failed" || undefined}>
      {run.reason_code && <code>{run.reason_code}</code>} {run.reason}
      {run.policies.length > 0 && (
        <div>
          Decided by <Policies ids={run.policies} />
        </div>
      )}
      {waits && (
        <div>
          Next attempt <Ago at={run.next_attempt_at} />
        </div>
      )}
    </div>
  );
}

function Acts({ run }: { run: RunDetail }) {
  const act = useRunAct(run.id);
  const cancels = isActive(run);
  const retries = RETRIED.has(run.state);
  if (!cancels && !retries) return null;
  return (
    <div className={classes["acts"]}>
      {retries && (
        <Confirm
          label="Retry"
          question={run.state === "waiting" ? "Try it now?" : "Take it up again?"}
          size="xs"
          color="teal"
          loading={act.isPending && act.variables === "retry"}
          onConfirm={() => act.mutate("retry")}
        />
      )}
      {cancels && (
        <Confirm
          label="Cancel"
          question="Give up what it has made?"
          size="xs"
          loading={act.isPending && act.variables === "cancel"}
          onConfirm={() => act.mutate("cancel")}
        />
      )}
      <Refused error={act.error} />
    </div>
  );
}
