import { Link } from "@tanstack/react-router";

import type { RunDetail } from "../../../api/types";
import { type Figure, Figures } from "../../../ui/Figures";
import { bytes, count, plural } from "../../../ui/format";
import { Empty } from "../../../ui/Notice";
import { Panel } from "../../../ui/Page";
import page from "../../../ui/Page.module.css";
import { PURPOSES } from "../../pipelines/search";
import classes from "../Runs.module.css";
import { countsOf, rateText, secondsText } from "../told";
import { type Bar, Bars } from "./Bars";
import { RowsByStep } from "./RowsByStep";

/** Where the rows of the input went, to the last one, and where the time went. */
export function Accounts({ run }: { run: RunDetail }) {
  if (run.rows_in === null) return <NotYet run={run} />;
  return (
    <div className={page["stack"]}>
      <Panel title="In and out" flush>
        <Figures
          figures={[
            ["Rows in", count(run.rows_in)],
            ...lookedUp(run),
            ["Documents kept", count(run.documents)],
            ["Rows out", count(run.rows_out)],
            ["Bytes in", bytes(run.bytes_in)],
            ["Bytes out", bytes(run.bytes_out)],
            ["Shards", `${count(run.shards_done)} of ${count(run.shards_total)}`],
            ...(run.shards_reused ? [["Of them reused", count(run.shards_reused)] as Figure] : []),
          ]}
        />
      </Panel>
      <Rows run={run} />
      {run.steps && <RowsByStep steps={run.steps} />}
      <Steps run={run} />
      <Counts run={run} />
      <Tokenizers run={run} />
    </div>
  );
}

/** What was read of inputs that steps look up: it stands in no other count. */
function lookedUp({ looked_up: found }: RunDetail): Figure[] {
  if (!found) return [];
  const { rows, quarantined } = found;
  return [
    ["Rows looked up", count(rows)],
    ...(quarantined ? [["Set aside of those", count(quarantined)] as Figure] : []),
  ];
}

export function NotYet({ run }: { run: RunDetail }) {
  if (run.state === "skipped") {
    return (
      <Empty title="Nothing had to be done">
        A published version was made the same way from the same input: {run.output_version}.
      </Empty>
    );
  }
  if (ENDED.has(run.state)) return <NoResult run={run} />;
  return <Empty title="Not yet">The accounts are drawn up when every shard is done.</Empty>;
}

const ENDED = new Set(["failed", "cancelled"]);

/** What can be done about a run that ended before its time. */
function NoResult({ run }: { run: RunDetail }) {
  const again =
    run.state === "failed"
      ? "Why stands above. “Retry” goes on with the shards that are not done. "
      : "What it had made is given up; “Retry” begins anew. ";
  return (
    <Empty title="It ended without a result">
      {again}
      <Link
        to="/pipelines/$pipelineId"
        params={{ pipelineId: run.pipeline_id }}
        search={{ tab: "plan", purpose: PURPOSES.find((one) => one === run.purpose) }}
      >
        The plan
      </Link>{" "}
      tells what a run would do now, and whether policies allow it.
    </Empty>
  );
}

/** Rows in, and added by steps, are the documents kept, those dropped and those set aside. */
function Rows({ run }: { run: RunDetail }) {
  const added = run.counts["added_rows"] ?? 0;
  const total = (run.rows_in ?? 0) + added;
  const bars: Bar[] = [
    line("kept", run.documents ?? 0, "good"),
    ...Object.entries(run.dropped)
      .toSorted(([, one], [, other]) => other - one)
      .map(([reason, rows]) => line(`dropped: ${reason}`, rows, "wait")),
    line("set aside: could not be read", run.quarantined ?? 0, "bad"),
  ];
  const sum = added
    ? `together: ${plural(run.rows_in ?? 0, "row")} in, ${count(added)} added by steps`
    : "together: the rows in";
  return (
    <Bars
      title="Where the rows went"
      heads={["What", "Rows"]}
      total={total}
      bars={bars}
      foot={[sum, count(total)]}
    />
  );
}

const line = (name: string, rows: number, tone: NonNullable<Bar["tone"]>): Bar => ({
  name,
  value: rows,
  text: count(rows),
  tone,
});

/** Seconds of work by step, summed over the shards: they are not the time on the clock. */
function Steps({ run }: { run: RunDetail }) {
  const rates = new Map(run.statistics?.steps.map((each) => [each.step, each.megabytes_per_second]));
  const steps = Object.entries(run.step_seconds);
  const total = steps.reduce((sum, [, spent]) => sum + spent, 0);
  return (
    <Bars
      title="Time, by step"
      aside={`${secondsText(total)} of all workers together`}
      heads={["Step", "Time"]}
      moreHead="Input a second"
      total={total}
      bars={steps.map(([step, spent]) => ({
        name: step,
        value: spent,
        text: secondsText(spent),
        more: rateText(spent, rates.get(step) ?? null),
      }))}
      empty="No time was noted."
    />
  );
}

function Counts({ run }: { run: RunDetail }) {
  const counts = countsOf(run);
  if (counts.length === 0) return null;
  return (
    <Panel title="Counted by the steps" flush>
      <Figures figures={counts.map(([name, value]) => [name, count(value)])} />
    </Panel>
  );
}

/** Which engine encoded, for each tokenizer, and why that one. */
function Tokenizers({ run }: { run: RunDetail }) {
  const verdicts = Object.entries(run.verdicts) as [string, Partial<Record<string, unknown>>][];
  if (verdicts.length === 0) return null;
  return (
    <Panel title="Tokenizers">
      <dl className={classes["detail"]}>
        {verdicts.map(([name, { engine, reason, sampled }]) => (
          <div key={name}>
            <dt className="mono">{name}</dt>
            <dd>
              {String(engine)}: {String(reason)}
              {typeof sampled === "number" && `, of ${count(sampled)} compared`}
            </dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}
