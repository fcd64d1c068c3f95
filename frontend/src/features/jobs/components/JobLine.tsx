import { Button } from "@mantine/core";

import { asProblem } from "../../../api/problem";
import { State } from "../../../ui/State";
import { Ago } from "../../../ui/Values";
import classes from "../Jobs.module.css";
import { isActive, useJobAct } from "../queries";

interface Job {
  id: string;
  state: string;
  reason_code: string;
  reason: string;
}

interface JobLineProps {
  job: Job;
  what: "transfers" | "runs";
  title: React.ReactNode;
  facts: React.ReactNode;
  nextAttempt?: string | null;
  children?: React.ReactNode;
}

const RETRIED = new Set(["failed", "refused", "cancelled", "waiting"]);

/** What every job shows: its state and reason, what it does, how far it is, what one may do. */
export function JobLine({ job, what, title, facts, nextAttempt, children }: JobLineProps) {
  const waits = job.state === "waiting" && nextAttempt;
  return (
    <li className={classes["job"]}>
      <div className={classes["state"]}>
        <State value={job.state} />
      </div>
      <div className={classes["what"]}>
        <div className={classes["title"]}>{title}</div>
        <div className={classes["facts"]}>{facts}</div>
        {(job.reason || job.reason_code) && job.state !== "done" && (
          <div className={classes["reason"]}>
            {job.reason_code && <code>{job.reason_code}</code>} {job.reason}
          </div>
        )}
        {waits && (
          <div className={classes["reason"]}>
            Next attempt <Ago at={nextAttempt} />
          </div>
        )}
        {children}
      </div>
      <Acts job={job} what={what} />
    </li>
  );
}

function Acts({ job, what }: { job: Job; what: "transfers" | "runs" }) {
  const act = useJobAct();
  const verbs = [
    ...(isActive(job) ? (["cancel"] as const) : []),
    ...(RETRIED.has(job.state) ? (["retry"] as const) : []),
  ];
  return (
    <div className={classes["acts"]}>
      {verbs.map((verb) => (
        <Button
          key={verb}
          size="xs"
          variant="default"
          loading={act.isPending && act.variables.verb === verb}
          onClick={() => act.mutate({ what, id: job.id, verb })}
        >
          {verb === "cancel" ? "Cancel" : "Retry"}
        </Button>
      ))}
      {act.isError && (
        <p className={classes["problem"]} role="alert">
          {asProblem(act.error).title}: {asProblem(act.error).detail}
        </p>
      )}
    </div>
  );
}
