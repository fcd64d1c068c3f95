import { Link } from "@tanstack/react-router";

import type { Run } from "../../../api/types";
import { compact, count, duration, lastPart } from "../../../ui/format";
import { TableFrame } from "../../../ui/Page";
import { ProductLink } from "../../../ui/ProductLink";
import { State } from "../../../ui/State";
import { Ago } from "../../../ui/Values";
import classes from "../Runs.module.css";
import { readText } from "../told";

interface RunTableProps {
  label?: string;
  rows: Run[];
}

export function RunTable({ label = "Runs", rows }: RunTableProps) {
  return (
    <TableFrame label={label}>
      <table>
        <thead>
          <tr>
            <th scope="col">Run</th>
            <th scope="col">State</th>
            <th scope="col">Input</th>
            <th scope="col">Result</th>
            <th scope="col" className="num">
              Rows in
            </th>
            <th scope="col" className="num">
              Rows out
            </th>
            <th scope="col" className="num">
              Took
            </th>
            <th scope="col">Asked by</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((run) => (
            <Line key={run.id} run={run} />
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}

function Line({ run }: { run: Run }) {
  const told = run.state !== "done" && run.reason;
  return (
    <tr>
      <td>
        <Link to="/runs/$runId" params={{ runId: run.id }}>
          <Ago at={run.finished_at ?? run.started_at ?? run.created_at} />
        </Link>
      </td>
      <td>
        <State value={run.state} />
        {told && <div className={classes["told"]}>{run.reason}</div>}
      </td>
      <td className={`mono ${classes["read"]}`} title={run.inputs.join(", ")}>
        {readText(run.inputs)}
      </td>
      <td>
        {run.output_version ? (
          <ProductLink name={run.output_version} tab="versions" className="mono">
            {lastPart(run.output_version)}
          </ProductLink>
        ) : (
          "–"
        )}
      </td>
      <td className="num" title={count(run.rows_in)}>
        {compact(run.rows_in)}
      </td>
      <td className="num" title={count(run.rows_out)}>
        {compact(run.rows_out)}
      </td>
      <td className="num">{run.seconds === null ? "–" : duration(run.seconds)}</td>
      <td>{run.policy ? `policy ${run.policy}` : run.asked_by}</td>
    </tr>
  );
}
