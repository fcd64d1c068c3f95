import type { Transfer } from "../../../api/types";
import { bytes, duration, plural } from "../../../ui/format";
import type { ListOf } from "../../../ui/List";
import { Policies } from "../../../ui/Notice";
import { ProductLink } from "../../../ui/ProductLink";
import { Ago } from "../../../ui/Values";
import classes from "../Jobs.module.css";
import { JobLine } from "./JobLine";
import { JobList } from "./JobList";
import { Progress } from "./Progress";

const MOVING = new Set(["claimed", "running", "verifying"]);

export function Transfers({ query }: { query: ListOf<Transfer> }) {
  return (
    <JobList
      title="Transfers"
      query={query}
      empty="No transfers here."
      renderRow={(transfer) => <TransferLine key={transfer.id} transfer={transfer} />}
    />
  );
}

function TransferLine({ transfer }: { transfer: Transfer }) {
  const moving = MOVING.has(transfer.state);
  const begun = transfer.bytes_done > 0 && transfer.state !== "done";
  const title = (
    <>
      <ProductLink name={transfer.version} tab="replicas">
        <span className="mono">{transfer.version}</span>
      </ProductLink>{" "}
      <span className={classes["way"]}>
        {transfer.source ? `${transfer.source} → ` : "to "}
        {transfer.target}
      </span>
    </>
  );
  return (
    <JobLine
      job={transfer}
      what="transfers"
      title={title}
      facts={<Facts transfer={transfer} />}
      nextAttempt={transfer.next_attempt_at}
    >
      {(moving || begun) && (
        <Progress
          id={transfer.id}
          label={`Progress of ${transfer.version} to ${transfer.target}`}
          done={transfer.bytes_done}
          total={transfer.bytes_total}
          unit="bytes"
          active={moving}
        />
      )}
    </JobLine>
  );
}

function Facts({ transfer }: { transfer: Transfer }) {
  const { seconds, bytes_total: total } = transfer;
  const took = transfer.state === "done" && seconds !== null;
  return (
    <>
      <span>
        {bytes(total)} in {plural(transfer.files_total, "file")}
      </span>
      {took && (
        <span>
          took {duration(seconds)}
          {seconds >= 1 && ` at ${bytes(total / seconds)}/s`}
        </span>
      )}
      {transfer.attempt > 1 && <span>attempt {transfer.attempt}</span>}
      <Ago at={transfer.finished_at ?? transfer.started_at ?? transfer.created_at} />
      <span>asked by {transfer.asked_by}</span>
      {transfer.policies.length > 0 && <Policies ids={transfer.policies} />}
    </>
  );
}
