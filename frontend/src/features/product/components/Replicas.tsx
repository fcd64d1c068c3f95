import { useQuery } from "@tanstack/react-query";

import type { ProductDetail, Replica, Transfer } from "../../../api/types";
import { plural } from "../../../ui/format";
import { LoadingRows } from "../../../ui/Loading";
import { Empty, Failure, Policies } from "../../../ui/Notice";
import { Panel, TableFrame } from "../../../ui/Page";
import { State } from "../../../ui/State";
import { Ago, Bytes } from "../../../ui/Values";
import classes from "../Product.module.css";
import { replicasQuery, transfersOfQuery } from "../queries";
import { PlanPanel } from "./PlanPanel";

export function Replicas({ product }: { product: ProductDetail }) {
  return (
    <div className={classes["stack"]}>
      <Copies name={product.name} />
      <Transfers name={product.name} />
      {product.can.administer.allow && <PlanPanel name={product.name} />}
    </div>
  );
}

function Copies({ name }: { name: string }) {
  const replicas = useQuery(replicasQuery(name));
  if (replicas.isPending) return <LoadingRows rows={3} height={34} />;
  if (replicas.isError) {
    return <Failure error={replicas.error} retry={() => void replicas.refetch()} />;
  }
  const rows = replicas.data.results;
  if (rows.length === 0) return <Empty title="No copies yet" />;
  return (
    <Panel title="Where it is" aside={plural(rows.length, "copy", "copies")} flush>
      <TableFrame label="Copies">
        <table>
          <thead>
            <tr>
              <th scope="col">Version</th>
              <th scope="col">Store</th>
              <th scope="col">Site</th>
              <th scope="col">Jurisdictions</th>
              <th scope="col">State</th>
              <th scope="col" className="num">
                Bytes
              </th>
              <th scope="col">Came by</th>
              <th scope="col">Verified</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <CopyRow key={row.id} row={row} />
            ))}
          </tbody>
        </table>
      </TableFrame>
    </Panel>
  );
}

function CopyRow({ row }: { row: Replica }) {
  return (
    <tr>
      <td className="nums">{versionOf(row.version)}</td>
      <td className="tight">{row.store}</td>
      <td className="tight">{row.site}</td>
      <td>{row.jurisdictions.join(", ") || "–"}</td>
      <td>
        <State value={row.state} />
        <Reason code={row.reason_code} text={row.reason} />
        <Going row={row} />
      </td>
      <td className="num">
        <Bytes value={row.bytes} />
      </td>
      <td>{row.origin}</td>
      <td>
        <Ago at={row.verified_at} />
      </td>
    </tr>
  );
}

/** What nothing asks for any more says when it goes, and why. */
function Going({ row }: { row: Replica }) {
  if (!row.remove_after) return null;
  return (
    <div className={classes["reason"]}>
      goes <Ago at={row.remove_after} />
      {row.remove_reason && `: ${row.remove_reason}`}
    </div>
  );
}

function Transfers({ name }: { name: string }) {
  const transfers = useQuery(transfersOfQuery(name));
  if (transfers.isPending) return <LoadingRows rows={3} height={34} />;
  if (transfers.isError) {
    return <Failure error={transfers.error} retry={() => void transfers.refetch()} />;
  }
  const rows = transfers.data.results;
  const refused = rows.filter((row) => row.state === "refused").length;
  if (rows.length === 0) return <Empty title="Nothing was moved, and nothing was refused" />;
  return (
    <Panel title="Moves" aside={refused > 0 && plural(refused, "refusal")} flush>
      <TableFrame label="Moves">
        <table>
          <thead>
            <tr>
              <th scope="col">Version</th>
              <th scope="col">From</th>
              <th scope="col">To</th>
              <th scope="col">State</th>
              <th scope="col">Policies</th>
              <th scope="col" className="num">
                Bytes
              </th>
              <th scope="col">When</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <TransferRow key={row.id} row={row} />
            ))}
          </tbody>
        </table>
      </TableFrame>
    </Panel>
  );
}

function TransferRow({ row }: { row: Transfer }) {
  return (
    <tr>
      <td className="nums">{versionOf(row.version)}</td>
      <td className="tight">{row.source ?? "–"}</td>
      <td className="tight">{row.target}</td>
      <td>
        <State value={row.state} />
        <Reason code={row.reason_code} text={row.reason} />
      </td>
      <td>
        <Policies ids={row.policies} />
      </td>
      <td className="num">
        <Bytes value={row.state === "done" ? row.bytes_total : row.bytes_done} />
      </td>
      <td>
        <Ago at={row.finished_at ?? row.created_at} />
      </td>
    </tr>
  );
}

function Reason({ code, text }: { code: string; text: string }) {
  if (!code && !text) return null;
  return <div className={classes["reason"]}>{text || code}</div>;
}

export const versionOf = (name: string): string => /v=\d+/.exec(name)?.[0] ?? name;
