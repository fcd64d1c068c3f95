import type { PortSubscription } from "../../../../api/types";
import { TableFrame } from "../../../../ui/Page";
import { ProductLink } from "../../../../ui/ProductLink";
import { State } from "../../../../ui/State";
import { Ago } from "../../../../ui/Values";
import classes from "../../Governance.module.css";

/** One row a consumer and port, as it stands now: it stays the same one when a grant is renewed. */
export function SubscriptionTable({ rows }: { rows: PortSubscription[] }) {
  return (
    <TableFrame label="Subscriptions">
      <table>
        <thead>
          <tr>
            <th scope="col">Product</th>
            <th scope="col">Port</th>
            <th scope="col">Purpose</th>
            <th scope="col">State</th>
            <th scope="col">Until</th>
            <th scope="col">Last read</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.id}>
              <td>
                <ProductLink name={row.name} tab="access">
                  <span className="mono">{row.name}</span>
                </ProductLink>
                {row.team && <div className={classes["quiet"]}>for the team {row.team}</div>}
              </td>
              <td>{row.port || "any"}</td>
              <td>{row.purposes.join(", ")}</td>
              <td>
                <State value={row.state} />
                {row.state === "active" && row.pending_request && (
                  <div className={classes["quiet"]}>more was asked for</div>
                )}
              </td>
              <td>
                <Ago at={row.expires_at ?? row.ended_at} />
              </td>
              <td>
                <Ago at={row.last_read_at} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}
