import type { SetAside } from "../../../api/types";
import { count } from "../../../ui/format";
import { Panel, TableFrame } from "../../../ui/Page";
import page from "../../../ui/Page.module.css";
import classes from "../Runs.module.css";

interface SetAsideTableProps {
  title: string;
  aside?: string | undefined;
  rows: SetAside[];
}

const CUT = 400;

/** Records that could not be read: where they stand in the input, why, and how they begin. */
export function SetAsideTable({ title, aside, rows }: SetAsideTableProps) {
  return (
    <Panel title={title} aside={aside} flush>
      <TableFrame label={title}>
        <table>
          <thead>
            <tr>
              <th scope="col">File</th>
              <th scope="col" className="num">
                At byte
              </th>
              <th scope="col">Why</th>
              <th scope="col">What stands there</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={`${row.source} ${row.byte_offset}`}>
                <td className={classes["file"]}>
                  <span className="mono">{row.source}</span>
                </td>
                <td className="num">{count(row.byte_offset)}</td>
                <td className={page["sentence"]}>{row.error}</td>
                <td className={classes["raw"]}>
                  {row.raw.length > CUT ? `${row.raw.slice(0, CUT)}…` : row.raw}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableFrame>
    </Panel>
  );
}
