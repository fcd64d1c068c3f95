import type { Run } from "../../../api/types";
import { Digest } from "../../../ui/Copy";
import { bytes, count, duration } from "../../../ui/format";
import { ProductLink } from "../../../ui/ProductLink";
import classes from "../Jobs.module.css";

/** The accounts of a run: what came in, what went where, how long each step took. */
export function RunDetails({ run }: { run: Run }) {
  return (
    <div className={classes["details"]}>
      <dl>
        <Row term="Rows in">{count(run.rows_in)}</Row>
        {run.documents !== null && <Row term="Documents">{count(run.documents)}</Row>}
        <Row term="Rows out">{count(run.rows_out)}</Row>
        <Row term="Quarantined">{count(run.quarantined)}</Row>
        <Row term="Tokens">{count(run.tokens)}</Row>
        <Row term="Shards">
          {run.shards_done} of {run.shards_total}
        </Row>
        <Row term="Bytes in, out">
          {bytes(run.bytes_in)}, {bytes(run.bytes_out)}
        </Row>
        <Row term="Run digest">
          <Digest value={run.run_digest} />
        </Row>
        {run.output_version && (
          <Row term="Output">
            <ProductLink name={run.output_version} tab="versions">
              {run.output_version}
            </ProductLink>
          </Row>
        )}
      </dl>
      <Counts
        caption="Dropped, by reason"
        head="Rows"
        entries={Object.entries(run.dropped).map(([reason, rows]) => [reason, count(rows)])}
      />
      <Counts
        caption="Time, by step"
        head="Time"
        entries={Object.entries(run.step_seconds).map(([step, time]) => [step, duration(time)])}
      />
    </div>
  );
}

function Row({ term, children }: { term: string; children: React.ReactNode }) {
  return (
    <>
      <dt>{term}</dt>
      <dd className="nums">{children}</dd>
    </>
  );
}

interface CountsProps {
  caption: string;
  head: string;
  entries: [string, string][];
}

function Counts({ caption, head, entries }: CountsProps) {
  return (
    <table>
      <caption>{caption}</caption>
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col">{head}</th>
        </tr>
      </thead>
      <tbody>
        {entries.length === 0 && (
          <tr>
            <td colSpan={2}>nothing</td>
          </tr>
        )}
        {entries.map(([what, value]) => (
          <tr key={what}>
            <td>{what}</td>
            <td>{value}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
