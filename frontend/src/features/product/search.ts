/** What the address of a product's page says. */
export const TABS = [
  "overview", "versions", "replicas", "preview", "lineage", "labels", "access",
] as const;
export type ProductTab = (typeof TABS)[number];

export const DIRECTIONS = ["both", "up", "down"] as const;
export type LineageDirection = (typeof DIRECTIONS)[number];

export interface ProductSearch {
  tab?: ProductTab;
  /** Of lineage: drawn or listed. */
  view?: "graph" | "table";
  direction?: LineageDirection;
  depth?: number;
  /** Of versions: the number of the one that is open. */
  version?: number;
  /** Of labels: what is in force, or what the scans found. */
  part?: "scans";
  /** Of scans: the id of the one that is open. */
  scan?: string;
}

export function readProduct(search: Record<string, unknown>): ProductSearch {
  const found: ProductSearch = {};
  const tab = TABS.find((one) => one === search["tab"]);
  if (tab && tab !== "overview") found.tab = tab;
  if (search["view"] === "table") found.view = "table";
  const direction = DIRECTIONS.find((one) => one === search["direction"]);
  if (direction && direction !== "both") found.direction = direction;
  const depth = wholeNumber(search["depth"]);
  if (depth && depth <= 5) found.depth = depth;
  const version = wholeNumber(search["version"]);
  if (version) found.version = version;
  if (search["part"] === "scans") found.part = "scans";
  if (typeof search["scan"] === "string") found.scan = search["scan"];
  return found;
}

function wholeNumber(value: unknown): number | undefined {
  const number = Number(value);
  return Number.isInteger(number) && number > 0 ? number : undefined;
}
