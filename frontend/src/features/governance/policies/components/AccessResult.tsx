import { count, plural } from "../../../../ui/format";
import { Panel, TableFrame } from "../../../../ui/Page";
import { ProductLink } from "../../../../ui/ProductLink";
import { State } from "../../../../ui/State";
import classes from "../../Governance.module.css";
import styles from "../Policies.module.css";
import { Listed, type ListedRows } from "./DocumentResult";

interface Pair {
  principal: string;
  action: string;
  name: string;
  purpose: string;
  site: string;
  jurisdictions: string;
}

interface Pairs {
  pairs: number;
  principals: number;
  resources: number;
  sample: Pair[];
}

interface Past {
  days: number;
  decisions: number;
  different: number;
  gone: number;
  sample: {
    principal: string;
    action: string;
    name: string;
    was: boolean;
    would_be: boolean;
    times: number;
  }[];
}

/** What a simulation of an access policy says; docs/reference/policies.md has its members. */
export interface AccessChanges {
  principals: number;
  products: number;
  gained: Pairs;
  lost: Pairs;
  rebound: Pairs;
  wider: Pairs;
  past: Past;
  affected: { truncated: boolean } & Record<string, unknown>;
}

export const isAccess = (result: object): result is AccessChanges =>
  "gained" in result && "lost" in result && "past" in result;

export function AccessResult({ result }: { result: AccessChanges }) {
  const { gained, lost, rebound, past, affected } = result;
  const { truncated, ...things } = affected;
  return (
    <>
      <dl className={styles["facts"]}>
        <Fact title="Gained" pairs={gained} />
        <Fact title="Lost" pairs={lost} />
        <Fact title="Masked or filtered otherwise" pairs={rebound} />
        <div>
          <dt>Decisions of the last {past.days} days</dt>
          <dd>
            {count(past.different)} otherwise <small>of {count(past.decisions)}</small>
          </dd>
        </div>
      </dl>
      <Differences result={result} />
      <Earlier past={past} />
      <Touched things={things as Record<string, ListedRows>} />
      {truncated && <p className={classes["quiet"]}>Of so many products only some are listed.</p>}
    </>
  );
}

const TOUCHED: Record<string, string> = {
  transfers: "Transfers under way that are touched",
  replicas: "Copies of the products that are touched",
  derived: "Products that were made of them",
};

function Touched({ things }: { things: Record<string, ListedRows> }) {
  const some = Object.entries(things).filter(([, listed]) => (listed.count ?? 0) > 0);
  if (some.length === 0) {
    return <p className={classes["quiet"]}>No transfer, no copy and no derived product is touched.</p>;
  }
  return some.map(([what, listed]) => (
    <Listed key={what} title={TOUCHED[what] ?? what} listed={listed} />
  ));
}

function Fact({ title, pairs }: { title: string; pairs: Pairs }) {
  return (
    <div>
      <dt>{title}</dt>
      <dd>
        {count(pairs.pairs)}
        <small>
          {plural(pairs.principals, "principal")}, {plural(pairs.resources, "resource")}
        </small>
      </dd>
    </div>
  );
}

function Differences({ result }: { result: AccessChanges }) {
  const rows = [
    ...result.gained.sample.map((pair) => ({ change: "gains", pair })),
    ...result.lost.sample.map((pair) => ({ change: "loses", pair })),
    ...result.rebound.sample.map((pair) => ({ change: "is bound otherwise", pair })),
  ];
  const all = result.gained.pairs + result.lost.pairs + result.rebound.pairs;
  const shown = rows.length < all ? `${count(rows.length)} of ${count(all)}` : undefined;
  return (
    <Panel title="Who gains what, and who loses it" aside={shown} flush>
      {rows.length === 0 && (
        <p className={classes["pad"]}>
          {all === 0
            ? `Nothing changes for ${plural(result.principals, "principal")} and ${plural(result.products, "product")}.`
            : "Something changes on what you may not know of."}
        </p>
      )}
      {rows.length > 0 && (
        <TableFrame label="Changes of access">
          <table>
            <thead>
              <tr>
                <th scope="col">Who</th>
                <th scope="col">Change</th>
                <th scope="col">Action</th>
                <th scope="col">On</th>
                <th scope="col">When</th>
              </tr>
            </thead>
            <tbody>
              {rows.map(({ change, pair }) => (
                <tr key={change + Object.values(pair).join(" ")}>
                  <td>{pair.principal}</td>
                  <td>{change}</td>
                  <td>{pair.action}</td>
                  <td>
                    <On name={pair.name} />
                  </td>
                  <td>{situation(pair)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </TableFrame>
      )}
    </Panel>
  );
}

function situation({ purpose, site, jurisdictions }: Pair): string {
  const parts = [
    purpose && `for ${purpose}`,
    site && `at ${site}`,
    jurisdictions && `in ${jurisdictions}`,
  ];
  return parts.filter(Boolean).join(", ") || "always";
}

function On({ name }: { name: string }) {
  if (!name.includes("/~/")) return <span className="mono">{name}</span>;
  return (
    <ProductLink name={name}>
      <span className="mono">{name}</span>
    </ProductLink>
  );
}

function Earlier({ past }: { past: Past }) {
  if (past.sample.length === 0) return null;
  return (
    <Panel title="What was decided, and would be decided otherwise" flush>
      <TableFrame label="Decisions of the past">
        <table>
          <thead>
            <tr>
              <th scope="col">Who</th>
              <th scope="col">Action</th>
              <th scope="col">On</th>
              <th scope="col">Was</th>
              <th scope="col">Would be</th>
              <th scope="col" className="num">
                Times
              </th>
            </tr>
          </thead>
          <tbody>
            {past.sample.map((row) => (
              <tr key={`${row.principal} ${row.action} ${row.name}`}>
                <td>{row.principal}</td>
                <td>{row.action}</td>
                <td>
                  <On name={row.name} />
                </td>
                <td>
                  <State value={row.was ? "allowed" : "denied"} />
                </td>
                <td>
                  <State value={row.would_be ? "allowed" : "denied"} />
                </td>
                <td className="num">{count(row.times)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableFrame>
    </Panel>
  );
}
