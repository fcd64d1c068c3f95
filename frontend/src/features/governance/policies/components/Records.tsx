import { TableFrame } from "../../../../ui/Page";
import { ProductLink } from "../../../../ui/ProductLink";
import { State } from "../../../../ui/State";

type Row = Record<string, unknown>;

const isObject = (value: unknown): value is Row =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const told = (key: string): string => key.replaceAll("_", " ");

/** Rows of one shape as a table: a column a member, and what differs between before and after. */
export function Records({ label, rows }: { label: string; rows: Row[] }) {
  const compared = rows.every((row) => isObject(row["before"]) && isObject(row["after"]));
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter(
    (key) => !(compared && (key === "before" || key === "after")),
  );
  return (
    <TableFrame label={label}>
      <table>
        <thead>
          <tr>
            {keys.map((key) => (
              <th key={key} scope="col">
                {told(key)}
              </th>
            ))}
            {compared && <th scope="col">changes</th>}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              {keys.map((key) => (
                <td key={key}>
                  <Value at={key} value={row[key]} />
                </td>
              ))}
              {compared && (
                <td>
                  <Changes before={row["before"] as Row} after={row["after"] as Row} />
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}

function Value({ at, value }: { at: string; value: unknown }) {
  if (value === null || value === undefined || value === "") return "–";
  if (at === "state") return <State value={String(value)} />;
  if (typeof value === "string" && /^\/.*\/~\//.test(value)) {
    return (
      <ProductLink name={value}>
        <span className="mono">{value}</span>
      </ProductLink>
    );
  }
  if (isObject(value)) {
    return Object.entries(value).map(([key, part]) => (
      <div key={key}>
        {told(key)}: {text(part)}
      </div>
    ));
  }
  if (Array.isArray(value) && value.some(isObject)) {
    return value.map((part, index) => (
      <div key={index}>{isObject(part) ? Object.values(part).map(text).join(" · ") : text(part)}</div>
    ));
  }
  return text(value);
}

function Changes({ before, after }: { before: Row; after: Row }) {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys
    .filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
    .map((key) => (
      <div key={key}>
        {told(key)}: {text(before[key])} → {text(after[key])}
      </div>
    ));
}

function text(value: unknown): string {
  if (value === null || value === undefined || value === "") return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.map(text).join(", ") || "none";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
