import { useInfiniteQuery } from "@tanstack/react-query";

import type { Store } from "../../../api/types";
import { Confirm } from "../../../ui/Confirm";
import { count } from "../../../ui/format";
import { Heads, TableFrame } from "../../../ui/Page";
import { Refused } from "../../../ui/Refused";
import { State, Tag } from "../../../ui/State";
import { Ago, Bytes } from "../../../ui/Values";
import { List } from "../../../ui/List";
import classes from "../Mesh.module.css";
import { storesQuery, useTrustStore } from "../queries";
import { healthOf, price } from "../told";

const COLUMNS = ["Store", "Site", "Health", "Can", "Tier"];
const NUMBERS = ["Replicas", "Capacity", "Price a GB, month"];

export function Stores({ operator }: { operator: boolean }) {
  const stores = useInfiniteQuery(storesQuery);
  return (
    <List title="Stores" what="stores" query={stores} empty="No store yet.">
      {(rows) => (
        <TableFrame label="Stores">
          <table>
            <Heads texts={COLUMNS} numbers={NUMBERS} />
            <tbody>
              {rows.map((store) => (
                <StoreRow key={store.id} store={store} operator={operator} />
              ))}
            </tbody>
          </table>
        </TableFrame>
      )}
    </List>
  );
}

function StoreRow({ store, operator }: { store: Store; operator: boolean }) {
  return (
    <tr>
      <td>
        {store.name}
        <div className={classes["reason"]}>{store.kind}</div>
      </td>
      <td className="tight">{store.site}</td>
      <td>
        <Health store={store} />
        {operator && store.quarantined_at && <Trust name={store.name} />}
      </td>
      <td>
        <Capabilities store={store} />
      </td>
      <td>{store.tier}</td>
      <td className="num">{count(store.replicas)}</td>
      <td className="num">
        {store.capacity_bytes === null ? "no limit" : <Bytes value={store.capacity_bytes} />}
      </td>
      <td className="num">{price(store.cost_gb_month)}</td>
    </tr>
  );
}

function Health({ store }: { store: Store }) {
  const reason = store.quarantined_at ? store.quarantine_reason : store.problem;
  return (
    <>
      <State value={healthOf(store)} />{" "}
      <span className={classes["since"]}>
        {store.quarantined_at ? <Ago at={store.quarantined_at} /> : <Checked at={store.checked_at} />}
      </span>
      {reason && <div className={classes["reason"]}>{reason}</div>}
    </>
  );
}

function Checked({ at }: { at: string | null }) {
  if (!at) return null;
  return (
    <>
      seen <Ago at={at} />
    </>
  );
}

function Trust({ name }: { name: string }) {
  const trust = useTrustStore(name);
  return (
    <div className={classes["act"]}>
      <Confirm
        label="Lift the quarantine"
        question="Trust it again?"
        of={name}
        size="compact-sm"
        loading={trust.isPending}
        onConfirm={() => trust.mutate()}
      />
      <Refused error={trust.error} />
    </div>
  );
}

function Capabilities({ store }: { store: Store }) {
  const known = Object.entries(store.capabilities);
  if (known.length === 0) return <>not probed yet</>;
  const can = known.filter(([, able]) => able).map(([name]) => name.replaceAll("_", " "));
  return (
    <span className={classes["tags"]}>
      {can.map((name) => (
        <Tag key={name}>{name}</Tag>
      ))}
      {can.length === 0 && "read only"}
    </span>
  );
}
