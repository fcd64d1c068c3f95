import type { SampledRow } from "../../../api/types";
import { Panel, TableFrame } from "../../../ui/Page";
import page from "../../../ui/Page.module.css";
import { State, Tag } from "../../../ui/State";
import classes from "../Pipelines.module.css";
import { same, shown } from "../values";

export function SampledRows({ rows, whole }: { rows: SampledRow[]; whole: boolean }) {
  return (
    <Panel title="Row by row" flush>
      <ol className={classes["rows"]}>
        {rows.map((row, position) => (
          <li key={position}>
            <Head row={row} number={position + 1} />
            <Values row={row} number={position + 1} whole={whole} />
          </li>
        ))}
      </ol>
    </Panel>
  );
}

function Head({ row, number }: { row: SampledRow; number: number }) {
  return (
    <div className={classes["rowhead"]}>
      <h3>Row {number}</h3>
      <State value={row.after === null ? "dropped" : "kept"} />
      {row.dropped_by && (
        <span>
          by <span className="mono">{row.dropped_by}</span>
        </span>
      )}
    </div>
  );
}

interface ValuesProps {
  row: SampledRow;
  number: number;
  whole: boolean;
}

/** A line for each column, before and after; of a dropped row only what it was. */
function Values({ row: { before, after }, number, whole }: ValuesProps) {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after ?? {})])];
  return (
    <TableFrame label={`Values of row ${number}`}>
      <table className={classes["values"]}>
        <thead>
          <tr>
            <th scope="col">Column</th>
            <th scope="col">Before</th>
            {after && <th scope="col">After</th>}
          </tr>
        </thead>
        <tbody>
          {names.map((name) => (
            <tr key={name}>
              <td className="mono">{name}</td>
              <td>{name in before ? <Value value={before[name]} whole={whole} /> : <Quiet>–</Quiet>}</td>
              {after && (
                <td>
                  <After name={name} before={before} after={after} whole={whole} />
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}

interface AfterProps {
  name: string;
  before: Record<string, unknown>;
  after: Record<string, unknown>;
  whole: boolean;
}

function After({ name, before, after, whole }: AfterProps) {
  if (!(name in after)) return <Quiet>gone</Quiet>;
  if (name in before && same(before[name], after[name])) return <Quiet>the same</Quiet>;
  return (
    <>
      {!(name in before) && <Tag>new</Tag>} <Value value={after[name]} whole={whole} />
    </>
  );
}

function Value({ value, whole }: { value: unknown; whole: boolean }) {
  if (value === null || value === undefined) return <Quiet>null</Quiet>;
  return <span className={page["verbatim"]}>{shown(value, whole)}</span>;
}

function Quiet({ children }: { children: React.ReactNode }) {
  return <span className="muted">{children}</span>;
}
