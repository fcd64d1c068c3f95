import { bytes, count } from "../../../../ui/format";
import { Panel } from "../../../../ui/Page";
import classes from "../../Governance.module.css";
import styles from "../Policies.module.css";
import { Records } from "./Records";

type Row = Record<string, unknown>;

export interface ListedRows {
  count?: number;
  sample: (Row | string)[];
}

const TITLES: Record<string, string> = {
  products: "Products for which something changes",
  copies: "Copies that would be made, refused or given up",
  transfers: "Transfers under way that would be refused",
  replicas: "Copies that would not be wanted any more",
  violations: "Products that would break a rule",
  mended: "Products that would break none any more",
};

const isListed = (value: unknown): value is ListedRows =>
  typeof value === "object" && value !== null && Array.isArray((value as ListedRows).sample);

/** What a simulation of a protection, naming or services policy says: lists, each with a count. */
export function DocumentResult({ result }: { result: Record<string, unknown> }) {
  const { affected, ...rest } = result;
  const lists = { ...rest, ...(affected as Record<string, unknown> | undefined) };
  const copies = result["copies"] as Record<string, unknown> | undefined;
  return (
    <>
      {copies && <Copies copies={copies} />}
      {Object.entries(lists).map(
        ([what, listed]) =>
          isListed(listed) && <Listed key={what} title={TITLES[what] ?? what} listed={listed} />,
      )}
    </>
  );
}

function Copies({ copies }: { copies: Record<string, unknown> }) {
  const told = ["more", "fewer", "refused", "unmet"];
  return (
    <dl className={styles["facts"]}>
      {told.map((what) => (
        <div key={what}>
          <dt>Copies: {what}</dt>
          <dd>
            {count(Number(copies[what] ?? 0))}
            {what === "more" && <small>{bytes(Number(copies["bytes"] ?? 0))} to move</small>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

export function Listed({ title, listed }: { title: string; listed: ListedRows }) {
  const rows = listed.sample.map((row) => (typeof row === "string" ? { name: row } : row));
  const all = listed.count ?? rows.length;
  const shown = rows.length < all ? `${count(rows.length)} of ${count(all)}` : undefined;
  return (
    <Panel title={title} aside={shown} flush>
      {rows.length === 0 && <p className={classes["pad"]}>{all === 0 ? "None." : "Hidden from you."}</p>}
      {rows.length > 0 && <Records label={title} rows={rows} />}
    </Panel>
  );
}
