import { UnstyledButton } from "@mantine/core";
import { Link, useNavigate } from "@tanstack/react-router";

import type { Run } from "../../../api/types";
import { compact, count, duration } from "../../../ui/format";
import { ChevronIcon } from "../../../ui/icons";
import type { ListOf } from "../../../ui/List";
import { ProductLink } from "../../../ui/ProductLink";
import { Ago } from "../../../ui/Values";
import classes from "../Jobs.module.css";
import { route } from "../route";
import { JobLine } from "./JobLine";
import { JobList } from "./JobList";
import { Progress } from "./Progress";
import { RunDetails } from "./RunDetails";

const MOVING = new Set(["claimed", "running", "publishing"]);

export function Runs({ query }: { query: ListOf<Run> }) {
  return (
    <JobList
      title="Runs"
      query={query}
      empty="No runs here."
      renderRow={(run) => <RunLine key={run.id} run={run} />}
    />
  );
}

function RunLine({ run }: { run: Run }) {
  const { run: chosen } = route.useSearch();
  const navigate = useNavigate({ from: "/jobs" });
  const open = chosen === run.id;
  const toggle = () =>
    void navigate({
      search: (before) => ({ ...before, run: open ? undefined : run.id }),
      resetScroll: false,
    });
  const title = (
    <>
      <UnstyledButton
        onClick={toggle}
        aria-expanded={open}
        className={classes["expander"]}
        aria-label={`Details of ${run.pipeline}`}
      >
        <span className={classes["chevron"]} data-open={open || undefined}>
          <ChevronIcon />
        </span>
        <span className="mono">{run.pipeline}</span>
      </UnstyledButton>{" "}
      <span className={classes["way"]}>
        →{" "}
        <ProductLink name={run.output_version ?? run.output}>
          <span className="mono">{run.output_version ?? run.output}</span>
        </ProductLink>
      </span>
    </>
  );
  const moving = MOVING.has(run.state);
  return (
    <JobLine
      job={run}
      what="runs"
      title={title}
      facts={<Facts run={run} />}
      nextAttempt={run.next_attempt_at}
    >
      {(moving || (run.shards_done > 0 && run.state !== "done")) && (
        <Progress
          id={run.id}
          label={`Progress of ${run.pipeline}`}
          done={run.shards_done}
          total={run.shards_total}
          unit="shards"
          active={moving}
        />
      )}
      {open && <RunDetails run={run} />}
    </JobLine>
  );
}

function Facts({ run }: { run: Run }) {
  return (
    <>
      {run.rows_in !== null && (
        <span title={`${count(run.rows_in)} rows in, ${count(run.rows_out)} rows out`}>
          {compact(run.rows_in)} rows in, {compact(run.rows_out)} out
        </span>
      )}
      {run.tokens !== null && (
        <span title={`${count(run.tokens)} tokens`}>{compact(run.tokens)} tokens</span>
      )}
      {run.seconds !== null && <span>{duration(run.seconds)}</span>}
      <Ago at={run.finished_at ?? run.started_at ?? run.created_at} />
      <span>asked by {run.asked_by}</span>
      <Link to="/runs/$runId" params={{ runId: run.id }} aria-label={`All of this run of ${run.pipeline}`}>
        All of this run
      </Link>
    </>
  );
}
