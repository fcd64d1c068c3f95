/** What the address of the jobs page says. */
export const KINDS = ["all", "transfers", "runs"] as const;
export type JobKind = (typeof KINDS)[number];

export const TRANSFER_STATES = [
  "queued", "claimed", "running", "verifying", "waiting", "done", "refused", "failed", "cancelled",
] as const;
export const RUN_STATES = [
  "queued", "claimed", "running", "publishing", "waiting", "done", "skipped", "failed", "cancelled",
] as const;
export const STATES = [...new Set([...TRANSFER_STATES, ...RUN_STATES])];

export interface JobsSearch {
  kind?: "transfers" | "runs";
  state?: string;
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
