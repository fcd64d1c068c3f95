export const TABS = ["accounts", "statistics", "aside", "card"] as const;
export type RunTab = (typeof TABS)[number];

/** What the address of a run's page says. */
export interface RunSearch {
  tab?: RunTab;
}

/** What the address of a comparison says. */
export interface CompareSearch {
  /** The id of the run that it is compared with. */
  with?: string;
}

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function readCompare(search: Record<string, unknown>): CompareSearch {
  const other = search["with"];
  return typeof other === "string" && ID.test(other) ? { with: other } : {};
}

export function readRun(search: Record<string, unknown>): RunSearch {
  const tab = TABS.find((one) => one === search["tab"]);
  return tab && tab !== "accounts" ? { tab } : {};
}
