import type { Run, Transfer } from "../../api/types";

export type TransferState = Transfer["state"];
export type RunState = Run["state"];

export const KINDS = ["all", "transfers", "runs"] as const;
export type JobKind = (typeof KINDS)[number];

export const TRANSFER_STATES: readonly TransferState[] = [
  "queued", "claimed", "running", "verifying", "waiting", "done", "refused", "failed", "cancelled",
];
export const RUN_STATES: readonly RunState[] = [
  "queued", "claimed", "running", "publishing", "waiting", "done", "skipped", "failed", "cancelled",
];
export const STATES = [...new Set([...TRANSFER_STATES, ...RUN_STATES])];

/** What the address of the jobs page says. */
export interface JobsSearch {
  kind?: "transfers" | "runs";
  state?: TransferState | RunState;
  /** The id of the run whose details are open. */
  run?: string;
}

export function readJobs(search: Record<string, unknown>): JobsSearch {
  const found: JobsSearch = {};
  if (search["kind"] === "transfers" || search["kind"] === "runs") found.kind = search["kind"];
  const state = STATES.find((one) => one === search["state"]);
  if (state) found.state = state;
  if (typeof search["run"] === "string") found.run = search["run"];
  return found;
}
