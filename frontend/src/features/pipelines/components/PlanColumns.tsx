import type { PipelinePlan } from "../../../api/types";
import { Panel, TableFrame } from "../../../ui/Page";
import { schemasShown, typeText, type ColumnShown } from "../columns";
import classes from "../Pipelines.module.css";

const SAID: Record<ColumnShown["change"], string> = { "": "", new: "new ", changed: "now ", gone: "gone " };

/** The columns after each step, and what each column of the result is made of. */
export function PlanColumns({ plan }: { plan: PipelinePlan }) {
  return (
    <>
      <Panel title="Columns, step by step" flush>
        <TableFrame label="Columns, step by step">
          <table>
            <thead>
              <tr>
                <th scope="col">After</th>
                <th scope="col">Columns</th>
              </tr>
            </thead>
            <tbody>
              {schemasShown(plan.schemas).map(({ step, columns, same }, position) => (
                <tr key={step}>
                  <td className="mono tight">{step}</td>
                  <td>
                    {same && position > 0 ? (
                      <span className="muted">the same</span>
                    ) : (
                      <Columns columns={columns} />
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </TableFrame>
      </Panel>
      <Panel title="What the columns are made of" flush>
        <TableFrame label="What the columns are made of">
          <table>
            <thead>
              <tr>
                <th scope="col">Column of the result</th>
                <th scope="col">From columns of the {plan.inputs.length > 1 ? "inputs" : "input"}</th>
              </tr>
            </thead>
            <tbody>
              {Object.entries(plan.column_map).map(([column, uses]) => (
                <tr key={column}>
                  <td className="mono">{column}</td>
                  <td>
                    <Uses uses={uses} several={plan.inputs.length > 1} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </TableFrame>
      </Panel>
    </>
  );
}

function Columns({ columns }: { columns: ColumnShown[] }) {
  return (
    <ul className={classes["columns"]}>
      {columns.map(({ name, type, change }) => (
        <li key={name} data-change={change || undefined}>
          {change && <span className={classes["change"]}>{SAID[change]}</span>}
          <span className="mono">{name}</span>{" "}
          {change !== "gone" && <span className="muted">{typeText(type)}</span>}
        </li>
      ))}
    </ul>
  );
}

interface UsesProps {
  uses: PipelinePlan["column_map"][string];
  /** There are several inputs: each column says which one it is of. */
  several: boolean;
}

function Uses({ uses, several }: UsesProps) {
  if (uses.length === 0) return <span className="muted">none</span>;
  return (
    <ul className={classes["columns"]}>
      {uses.map(({ input, column, kind, subtype, masking }, position) => (
        <li key={position}>
          <span className="mono">{column}</span>{" "}
          {several && <span className="mono">of {input} </span>}
          <span className="muted">
            {kind === "INDIRECT" && "indirectly, "}
            {subtype.toLowerCase().replace("_", " ")}
            {masking && ", masked"}
          </span>
        </li>
      ))}
    </ul>
  );
}
