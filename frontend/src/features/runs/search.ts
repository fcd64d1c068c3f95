export const TABS = ["accounts", "statistics", "aside", "card"] as const;
export type RunTab = (typeof TABS)[number];

/** What the address of a run's page says. */
export interface RunSearch {
  tab?: RunTab;
}

export function readRun(search: Record<string, unknown>): RunSearch {
  const tab = TABS.find((one) => one === search["tab"]);
  return tab && tab !== "accounts" ? { tab } : {};
}
