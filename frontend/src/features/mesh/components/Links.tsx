import { useInfiniteQuery } from "@tanstack/react-query";

import type { Link } from "../../../api/types";
import { bytes } from "../../../ui/format";
import { TableFrame } from "../../../ui/Page";
import { State } from "../../../ui/State";
import { Ago } from "../../../ui/Values";
import { List } from "../../../ui/List";
import { linksQuery } from "../queries";
import { limitText, percent, price } from "../told";

/** The ways between sites that were declared or measured; any other is open and free. */
export function Links() {
  const links = useInfiniteQuery(linksQuery);
  return (
    <List
      title="Links"
      what="links"
      query={links}
      empty="No way was declared or measured yet: each is open, and free."
    >
      {(rows) => <Table rows={rows} />}
    </List>
  );
}

function Table({ rows }: { rows: Link[] }) {
  return (
    <TableFrame label="Links">
      <table>
        <thead>
          <tr>
            <th scope="col">From</th>
            <th scope="col">To</th>
            <th scope="col">State</th>
            <th scope="col" className="num">
              Measured
            </th>
            <th scope="col" className="num">
              Fails
            </th>
            <th scope="col">Limit</th>
            <th scope="col" className="num">
              Price a GB
            </th>
            <th scope="col">Measured at</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((link) => (
            <tr key={`${link.source} ${link.target}`}>
              <td>{link.source}</td>
              <td>{link.target}</td>
              <td>
                <State value={link.open ? "open" : "closed"} />
              </td>
              <td className="num">
                {link.measured_rate === null ? "–" : `${bytes(link.measured_rate)}/s`}
              </td>
              <td className="num">{link.measured_at ? percent(link.failure_rate) : "–"}</td>
              <td>{limitText(link)}</td>
              <td className="num">{price(link.cost_per_gb)}</td>
              <td>
                <Ago at={link.measured_at} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}
