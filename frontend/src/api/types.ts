/** The shapes of the API under the names the portal uses. */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Me = Schemas["MeOut"];
export type Product = Schemas["ProductListOut"];
export type ProductDetail = Schemas["ProductOut"];
export type Verdict = Schemas["VerdictOut"];
export type Verdicts = Schemas["VerdictsOut"];
export type Version = Schemas["VersionOut"];
export type Label = Schemas["ProductLabelOut"];
export type VersionFile = Schemas["FileOut"];
export type SearchPage = Schemas["SearchOut"];
export type Hit = Schemas["HitOut"];
export type FacetValue = Schemas["FacetValueOut"];
export type Graph = Schemas["GraphOut"];
export type GraphNode = Schemas["NodeOut"];
export type GraphEdge = Schemas["EdgeOut"];
export type AccessRequest = Schemas["RequestOut"];
export type Grant = Schemas["GrantOut"];
export type Purpose = Schemas["PurposeEnum"];

export interface Page<T> {
  next?: string | null;
  previous?: string | null;
  results: T[];
}

// Of movement and transforms; the contract of their API.

export interface Replica {
  id: string;
  version: string;
  product: string;
  store: string;
  site: string;
  jurisdictions: string[];
  state: string;
  origin: string;
  files: number;
  bytes: number;
  reason_code: string;
  reason: string;
  since: string;
  verified_at: string | null;
}

export interface Transfer {
  id: string;
  version: string;
  product: string;
  source: string | null;
  target: string;
  state: string;
  reason_code: string;
  reason: string;
  policies: string[];
  asked_by: string;
  attempt: number;
  next_attempt_at: string | null;
  files_total: number;
  files_done: number;
  bytes_total: number;
  bytes_done: number;
  seconds: number | null;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
}

export interface Run {
  id: string;
  pipeline: string;
  state: string;
  reason_code: string;
  reason: string;
  inputs: unknown[];
  output: string;
  output_version: string | null;
  rows_in: number;
  documents: number;
  rows_out: number;
  dropped: Record<string, number>;
  quarantined: number;
  tokens: number;
  counts: Record<string, number>;
  verdicts: unknown;
  shards_total: number;
  shards_done: number;
  bytes_in: number;
  bytes_out: number;
  seconds: number | null;
  step_seconds: Record<string, number>;
  asked_by: string;
  run_digest: string;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
}

export interface PlanItem {
  version: string;
  action: "keep" | "copy" | "refuse";
  source: string | null;
  target: string;
  bytes: number;
  policies: string[];
  reason: string;
}

export interface Plan {
  items: PlanItem[];
  unmet: { version: string; reason: string }[];
  bytes: number;
}

export interface Preview {
  columns: { name: string; type: string }[];
  rows: Record<string, unknown>[];
  truncated: boolean;
  file: string;
}
