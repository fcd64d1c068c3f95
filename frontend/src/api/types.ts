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
export type PortSubscription = Schemas["PortSubscriptionOut"];
export type Token = Schemas["TokenOut"];
export type Action = Schemas["Action"];
export type Purpose = Schemas["RequestInPurposeEnum"];

export type Replica = Schemas["ReplicaOut"];
export type Transfer = Schemas["TransferOut"];
export type Site = Schemas["SiteOut"];
export type SiteDetail = Schemas["SiteDetailOut"];
export type SiteState = Schemas["SiteState"];
export type Store = Schemas["StoreOut"];
export type Link = Schemas["LinkOut"];
export type Run = Schemas["RunOut"];
export type RunDetail = Schemas["RunDetailOut"];
export type RunDiff = Schemas["RunDiffOut"];
export type RunDifference = Schemas["DifferenceOut"];
export type StepRows = Schemas["StepRowsOut"];
export type RunStatistics = Schemas["StatisticsOut"];
export type RunCard = Schemas["CardOut"];
export type SetAside = Schemas["SetAsideOut"];
export type Pipeline = Schemas["PipelineOut"];
export type PipelineListed = Schemas["PipelineListOut"];
export type PipelinePlan = Schemas["PipelinePlanOut"];
export type PipelineSample = Schemas["SampleOut"];
export type SampledRow = Schemas["SampledRowOut"];
export type CheckedDocument = Schemas["CheckedOut"];
export type Plan = Schemas["PlanOut"];
export type PlanAsked = Schemas["PlanInRequest"];
export type PlanItem = Schemas["PlanItemOut"];
export type AppliedPlan = Schemas["AppliedPlanOut"];
export type Preview = Schemas["PreviewOut"];
export type Remark = Schemas["RemarkOut"];
export type ReviewVerdict = Schemas["ReviewVerdict"];
export type Policy = Schemas["PolicyOut"];
export type PolicyKind = Schemas["PolicyKind"];
export type PolicyState = Schemas["PolicyState"];
export type Simulation = Schemas["SimulationOut"];
export type PolicyDiff = Schemas["DiffOut"];
export type Decision = Schemas["DecisionOut"];
export type Allowed = Schemas["WhoOut"];
export type AuditEntry = Schemas["AuditOut"];
export type Checkpoint = Schemas["CheckpointOut"];
export type Inclusion = Schemas["InclusionOut"];
export type LabelInForce = Schemas["LabelOut"];
export type Declassification = Schemas["DeclassificationOut"];
export type Scan = Schemas["ScanListOut"];
export type ScanDetail = Schemas["ScanOut"];
export type ScanFinding = Schemas["ScanFindingOut"];

export interface Page<T> {
  next?: string | null;
  previous?: string | null;
  results: T[];
}
