import { Panel, TableFrame } from "../../../ui/Page";
import page from "../../../ui/Page.module.css";
import classes from "../Runs.module.css";
import { shareText } from "../told";

export interface Bar {
  name: string;
  value: number;
  /** The value as it is told. */
  text: string;
  tone?: "good" | "wait" | "bad";
  /** What stands in the further column, where there is one. */
  more?: string;
}

interface BarsProps {
  title: string;
  aside?: React.ReactNode;
  /** Heads of the columns: what a row is, what its value is. */
  heads: [string, string];
  /** The head of a further column. */
  moreHead?: string;
  /** What the shares are of; the largest value has the longest bar. */
  total: number;
  bars: Bar[];
  /** What the bars come to, in words and as a value. */
  foot?: [string, string];
  empty?: string;
}

/** A chart that is its own table: each row has a value, its share and a bar of that length. */
export function Bars({ title, aside, heads, moreHead, total, bars, foot, empty }: BarsProps) {
  const largest = Math.max(...bars.map((bar) => bar.value), 0);
  return (
    <Panel title={title} aside={aside} flush>
      {bars.length === 0 && <p className={page["pad"]}>{empty}</p>}
      {bars.length > 0 && (
        <TableFrame label={title}>
          <table className={classes["bars"]}>
            <thead>
              <tr>
                <th scope="col">{heads[0]}</th>
                <th scope="col" className="num">
                  {heads[1]}
                </th>
                {moreHead && (
                  <th scope="col" className="num">
                    {moreHead}
                  </th>
                )}
                <th scope="col">Share</th>
              </tr>
            </thead>
            <tbody>
              {bars.map((bar) => (
                <tr key={bar.name}>
                  <td>{bar.name}</td>
                  <td className="num">{bar.text}</td>
                  {moreHead && <td className="num">{bar.more ?? "–"}</td>}
                  <td>
                    <Share bar={bar} total={total} largest={largest} />
                  </td>
                </tr>
              ))}
            </tbody>
            {foot && (
              <tfoot>
                <tr>
                  <td>{foot[0]}</td>
                  <td className="num">{foot[1]}</td>
                  <td>{shareText(1)}</td>
                </tr>
              </tfoot>
            )}
          </table>
        </TableFrame>
      )}
    </Panel>
  );
}

/** The share in words, and a bar beside it. */
function Share({ bar, total, largest }: { bar: Bar; total: number; largest: number }) {
  const width = largest > 0 ? (bar.value / largest) * 100 : 0;
  return (
    <div className={classes["share"]}>
      <span>{total > 0 ? shareText(bar.value / total) : "–"}</span>
      {bar.value > 0 && (
        <div
          className={classes["bar"]}
          data-tone={bar.tone}
          style={{ width: `${width}%` }}
          aria-hidden
        />
      )}
    </div>
  );
}
