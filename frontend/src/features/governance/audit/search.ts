/** What the address of the audit page says: the filters, and the entry that is open. */
export interface AuditSearch {
  name?: string;
  principal?: string;
  action?: string;
  /** Dates as 2026-11-25; `until` is the first day that is not shown. */
  since?: string;
  until?: string;
  entry?: number;
}

const TEXTS = ["name", "principal", "action"] as const;
const DATES = ["since", "until"] as const;

export function readAudit(search: Record<string, unknown>): AuditSearch {
  const found: AuditSearch = {};
  for (const key of TEXTS) {
    const given = search[key];
    if (typeof given === "string" && given) found[key] = given;
  }
  for (const key of DATES) {
    const given = search[key];
    if (typeof given === "string" && /^\d{4}-\d\d-\d\d$/.test(given)) found[key] = given;
  }
  const entry = Number(search["entry"] ?? Number.NaN);
  if (Number.isInteger(entry) && entry >= 0) found.entry = entry;
  return found;
}
