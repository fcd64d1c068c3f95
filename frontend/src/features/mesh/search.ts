/** What the address of the mesh's page says. */
export interface MeshSearch {
  /** The site whose details are open. */
  site?: string;
  /** The site whose state is being changed. */
  change?: string;
}

export function readMesh(search: Record<string, unknown>): MeshSearch {
  const found: MeshSearch = {};
  if (isText(search["site"])) found.site = search["site"];
  if (isText(search["change"])) found.change = search["change"];
  return found;
}

export const KINDS = ["name", "policy", "site"] as const;
export type PlanKind = (typeof KINDS)[number];

/** What a plan is asked for. */
export interface AskedPlan {
  kind: PlanKind;
  value: string;
}

/** What the address of a plan says: one of name, policy and site. */
export interface PlanSearch {
  /** All at or below it; `/` for the whole mesh. */
  name?: string;
  policy?: string;
  site?: string;
  /** The id of the plan that was applied, while it is watched. */
  plan?: string;
}

export function readPlan(search: Record<string, unknown>): PlanSearch {
  const found: PlanSearch = {};
  const kind = KINDS.find((one) => isText(search[one]));
  if (kind) found[kind] = String(search[kind]);
  if (isText(search["plan"])) found.plan = search["plan"];
  return found;
}

export function askedOf(search: PlanSearch): AskedPlan | undefined {
  const kind = KINDS.find((one) => search[one]);
  return kind && { kind, value: search[kind] ?? "" };
}

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";
