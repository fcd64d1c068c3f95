import type { PipelineSample } from "../../../api/types";
import { count, plural } from "../../../ui/format";
import { Empty } from "../../../ui/Notice";
import { Panel } from "../../../ui/Page";
import page from "../../../ui/Page.module.css";
import { SetAsideTable } from "../../runs/components/SetAsideTable";
import classes from "../Pipelines.module.css";
import { shown } from "../values";
import { SampledRows } from "./SampledRows";

const WRITTEN_AT_MOST = 5;

interface SampleShownProps {
  sample: PipelineSample;
  /** Long values are shown whole. */
  whole: boolean;
}

/** What became of the sampled rows, one by one, and what would be written. */
export function SampleShown({ sample, whole }: SampleShownProps) {
  if (sample.rows.length === 0) return <Empty title="The input has no rows" />;
  return (
    <div className={page["stack"]}>
      <Summary sample={sample} />
      <SampledRows rows={sample.rows} whole={whole} />
      <Written rows={sample.output} whole={whole} />
      {sample.quarantined.length > 0 && (
        <SetAsideTable title="Set aside" rows={sample.quarantined} />
      )}
    </div>
  );
}

function Summary({ sample }: { sample: PipelineSample }) {
  const reasons = new Map<string, number>();
  for (const { dropped_by: reason } of sample.rows) {
    if (reason) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  const kept = sample.rows.filter((row) => row.after !== null).length;
  return (
    <p className={classes["summary"]} role="status">
      Of {plural(sample.rows.length, "row")} {count(kept)} kept
      {[...reasons].map(([reason, rows]) => (
        <span key={reason}>
          , {count(rows)} dropped by <span className="mono">{reason}</span>
        </span>
      ))}
      {sample.quarantined.length > 0 && `; ${count(sample.quarantined.length)} beside them set aside`}
      . Duplicates are found among these rows only.
    </p>
  );
}

/** Rows as they would stand in the result, which for packed ones are not those that came in. */
function Written({ rows, whole }: { rows: PipelineSample["output"]; whole: boolean }) {
  const first = rows.slice(0, WRITTEN_AT_MOST);
  const aside = rows.length > first.length ? `the first ${first.length} of ${rows.length}` : undefined;
  return (
    <Panel title="What would be written" aside={aside} flush>
      {rows.length === 0 && <p className={page["pad"]}>No row, of these alone.</p>}
      <ol className={classes["written"]}>
        {first.map((row, position) => (
          <li key={position} className="mono">
            {shown(row, whole)}
          </li>
        ))}
      </ol>
    </Panel>
  );
}
