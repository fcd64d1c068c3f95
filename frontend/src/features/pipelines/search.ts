import type { Purpose } from "../../api/types";

/** What the address of the list says. */
export interface PipelinesSearch {
  /** Part of a name, of an input or of an output. */
  q?: string;
}

export function readPipelines(search: Record<string, unknown>): PipelinesSearch {
  return isText(search["q"]) ? { q: search["q"] } : {};
}

export const TABS = ["document", "plan", "sample", "runs"] as const;
export type PipelineTab = (typeof TABS)[number];

/** What a run may state that it is for. */
export type StatedPurpose = Exclude<Purpose, "any">;
export const PURPOSES: readonly StatedPurpose[] = [
  "analytics", "evaluation", "inference", "model-training", "operations",
];

export const MOST_SAMPLED = 200;
export const SAMPLED_FIRST = 20;

/** What the address of one pipeline's page says. */
export interface PipelineSearch {
  tab?: PipelineTab;
  /** What plan, sample and run are asked for. */
  purpose?: StatedPurpose;
  /** Of the sample: how many rows were asked for; nothing is read before. */
  rows?: number;
  /** Of the sample: long values are shown whole. */
  whole?: "yes";
}

export function readPipeline(search: Record<string, unknown>): PipelineSearch {
  const found: PipelineSearch = {};
  const tab = TABS.find((one) => one === search["tab"]);
  if (tab && tab !== "document") found.tab = tab;
  const purpose = PURPOSES.find((one) => one === search["purpose"]);
  if (purpose) found.purpose = purpose;
  const rows = Number(search["rows"]);
  if (Number.isInteger(rows) && rows > 0 && rows <= MOST_SAMPLED) found.rows = rows;
  if (search["whole"] === "yes") found.whole = "yes";
  return found;
}

/** What the address of the page to write a pipeline says; the text itself is kept by the browser. */
export interface WriteSearch {
  /** The id of the pipeline whose document it begins with. */
  from?: string;
  purpose?: StatedPurpose;
  whole?: "yes";
}

export function readWrite(search: Record<string, unknown>): WriteSearch {
  const found: WriteSearch = {};
  if (isText(search["from"])) found.from = search["from"];
  const purpose = PURPOSES.find((one) => one === search["purpose"]);
  if (purpose) found.purpose = purpose;
  if (search["whole"] === "yes") found.whole = "yes";
  return found;
}

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";
