import type { StepRows } from "../../../api/types";
import { count, plural } from "../../../ui/format";
import { Panel, TableFrame } from "../../../ui/Page";
import classes from "../Runs.module.css";

/** How many rows each step was given, what it gave on, and why it dropped the others. */
export function RowsByStep({ steps }: { steps: StepRows[] }) {
  const most = Math.max(...steps.map((step) => Math.max(step.rows_in, step.rows_out)), 1);
  return (
    <Panel title="Rows, step by step" flush>
      <TableFrame label="Rows, step by step">
        <table>
          <thead>
            <tr>
              <th scope="col">Step</th>
              <th scope="col" className="num">
                Rows in
              </th>
              <th scope="col" className="num">
                Rows out
              </th>
              <th scope="col">Dropped</th>
              <th scope="col">Kept and dropped</th>
            </tr>
          </thead>
          <tbody>
            {steps.map((step) => (
              <tr key={step.step}>
                <td className="mono tight">{step.step}</td>
                <td className="num">{count(step.rows_in)}</td>
                <td className="num">{count(step.rows_out)}</td>
                <td>
                  <Reasons step={step} />
                </td>
                <td>
                  <StepBar step={step} most={most} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableFrame>
    </Panel>
  );
}

const droppedBy = (step: StepRows): number =>
  Object.values(step.dropped).reduce((sum, rows) => sum + rows, 0);

/** The reasons, the commonest first; and of what was not dropped whether it is more or fewer rows. */
function Reasons({ step }: { step: StepRows }) {
  const more = step.rows_out + droppedBy(step) - step.rows_in;
  const reasons = Object.entries(step.dropped).toSorted(([, one], [, other]) => other - one);
  if (reasons.length === 0 && more === 0) return <span className="muted">none</span>;
  return (
    <ul className={classes["reasons"]}>
      {reasons.map(([reason, rows]) => (
        <li key={reason}>
          {count(rows)} <span className="mono">{reason}</span>
        </li>
      ))}
      {more > 0 && <li className="muted">{plural(more, "row")} added</li>}
      {more < 0 && <li className="muted">{count(-more)} put together with others</li>}
    </ul>
  );
}

/** The rows that it gave on and those that it dropped, on one scale for all steps. */
function StepBar({ step, most }: { step: StepRows; most: number }) {
  const part = (rows: number, tone: "good" | "wait") =>
    rows > 0 && (
      <div
        className={classes["bar"]}
        data-tone={tone}
        style={{ width: `${(rows / most) * 100}%` }}
      />
    );
  return (
    <div className={classes["steps"]} aria-hidden>
      {part(step.rows_out, "good")}
      {part(droppedBy(step), "wait")}
    </div>
  );
}
