import type { PolicyKind, PolicyState } from "../../../api/types";

export const KINDS: readonly PolicyKind[] = ["access", "protection", "naming", "services"];
export const STATES: readonly PolicyState[] = [
  "draft", "validated", "simulated", "proposed", "approved", "active", "retired",
];

/** What the address of the list says. */
export interface PoliciesSearch {
  kind?: PolicyKind;
  state?: PolicyState;
}

export function readPolicies(search: Record<string, unknown>): PoliciesSearch {
  const found: PoliciesSearch = {};
  const kind = KINDS.find((one) => one === search["kind"]);
  if (kind) found.kind = kind;
  const state = STATES.find((one) => one === search["state"]);
  if (state) found.state = state;
  return found;
}

export const TABS = ["text", "tests", "simulation", "versions"] as const;
export type PolicyTab = (typeof TABS)[number];

/** What the address of one policy's page says. */
export interface PolicySearch {
  tab?: PolicyTab;
  /** The text is being edited. */
  edit?: "yes";
  /** The id of the version that this one is compared with. */
  against?: string;
}

export function readPolicy(search: Record<string, unknown>): PolicySearch {
  const found: PolicySearch = {};
  const tab = TABS.find((one) => one === search["tab"]);
  if (tab && tab !== "text") found.tab = tab;
  if (search["edit"] === "yes") found.edit = "yes";
  if (typeof search["against"] === "string") found.against = search["against"];
  return found;
}

/** What the address of a new draft says. */
export interface DraftSearch {
  kind?: PolicyKind;
  /** The id of the version whose text it begins with. */
  from?: string;
}

export function readDraft(search: Record<string, unknown>): DraftSearch {
  const found: DraftSearch = {};
  const kind = KINDS.find((one) => one === search["kind"]);
  if (kind) found.kind = kind;
  if (typeof search["from"] === "string") found.from = search["from"];
  return found;
}
