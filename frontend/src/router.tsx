import { createRootRoute, createRoute, createRouter, redirect } from "@tanstack/react-router";

import { DiscoverPage } from "./features/discover/route";
import { readDiscover } from "./features/discover/search";
import { readAudit } from "./features/governance/audit/search";
import { readWho } from "./features/governance/decisions/search";
import { readDraft, readPolicies, readPolicy } from "./features/governance/policies/search";
import { readRequests } from "./features/governance/requests/search";
import { readJobs } from "./features/jobs/search";
import { readMesh, readPlan } from "./features/mesh/search";
import { readPipeline, readPipelines, readWrite } from "./features/pipelines/search";
import { readProduct } from "./features/product/search";
import { readCompare, readRun } from "./features/runs/search";
import { Crash } from "./features/shell/Crash";
import { NotFound } from "./features/shell/NotFound";
import { Shell } from "./features/shell/route";

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });

const discover = createRoute({
  getParentRoute: () => root,
  path: "/",
  validateSearch: readDiscover,
  component: DiscoverPage,
});

// A product's name holds slashes: /p/acme/nlp/~/wiki
const product = createRoute({
  getParentRoute: () => root,
  path: "/p/$",
  validateSearch: readProduct,
}).lazy(() => import("./features/product/route").then((module) => module.route));

const jobs = createRoute({
  getParentRoute: () => root,
  path: "/jobs",
  validateSearch: readJobs,
}).lazy(() => import("./features/jobs/route").then((module) => module.route));

const pipelines = createRoute({
  getParentRoute: () => root,
  path: "/pipelines",
  validateSearch: readPipelines,
}).lazy(() => import("./features/pipelines/route").then((module) => module.route));

const writePipeline = createRoute({
  getParentRoute: () => root,
  path: "/pipelines/new",
  validateSearch: readWrite,
}).lazy(() => import("./features/pipelines/write").then((module) => module.route));

const pipeline = createRoute({
  getParentRoute: () => root,
  path: "/pipelines/$pipelineId",
  validateSearch: readPipeline,
}).lazy(() => import("./features/pipelines/page").then((module) => module.route));

const run = createRoute({
  getParentRoute: () => root,
  path: "/runs/$runId",
  validateSearch: readRun,
}).lazy(() => import("./features/runs/route").then((module) => module.route));

const compareRuns = createRoute({
  getParentRoute: () => root,
  path: "/runs/$runId/compare",
  validateSearch: readCompare,
}).lazy(() => import("./features/runs/compare").then((module) => module.route));

const mesh = createRoute({
  getParentRoute: () => root,
  path: "/mesh",
  validateSearch: readMesh,
}).lazy(() => import("./features/mesh/route").then((module) => module.route));

const meshPlan = createRoute({
  getParentRoute: () => root,
  path: "/mesh/plan",
  validateSearch: readPlan,
}).lazy(() => import("./features/mesh/plan").then((module) => module.route));

const governance = createRoute({
  getParentRoute: () => root,
  path: "/governance",
}).lazy(() => import("./features/governance/route").then((module) => module.route));

const governanceIndex = createRoute({
  getParentRoute: () => governance,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/governance/requests" });
  },
});

const requests = createRoute({
  getParentRoute: () => governance,
  path: "/requests",
  validateSearch: readRequests,
}).lazy(() => import("./features/governance/requests/route").then((module) => module.route));

const policies = createRoute({
  getParentRoute: () => governance,
  path: "/policies",
  validateSearch: readPolicies,
}).lazy(() => import("./features/governance/policies/route").then((module) => module.route));

const policyDraft = createRoute({
  getParentRoute: () => governance,
  path: "/policies/new",
  validateSearch: readDraft,
}).lazy(() => import("./features/governance/policies/draft").then((module) => module.route));

const policy = createRoute({
  getParentRoute: () => governance,
  path: "/policies/$policyId",
  validateSearch: readPolicy,
}).lazy(() => import("./features/governance/policies/page").then((module) => module.route));

const who = createRoute({
  getParentRoute: () => governance,
  path: "/who",
  validateSearch: readWho,
}).lazy(() => import("./features/governance/decisions/route").then((module) => module.route));

const audit = createRoute({
  getParentRoute: () => governance,
  path: "/audit",
  validateSearch: readAudit,
}).lazy(() => import("./features/governance/audit/route").then((module) => module.route));

const governanceAreas = governance.addChildren([
  governanceIndex, requests, policies, policyDraft, policy, who, audit,
]);

const account = createRoute({
  getParentRoute: () => root,
  path: "/account",
}).lazy(() => import("./features/account/route").then((module) => module.route));

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  validateSearch: (search: Record<string, unknown>): { next?: string } =>
    typeof search["next"] === "string" ? { next: search["next"] } : {},
}).lazy(() => import("./features/signin/route").then((module) => module.route));

export const router = createRouter({
  routeTree: root.addChildren([
    discover, product, pipelines, writePipeline, pipeline, run, compareRuns, jobs, mesh, meshPlan, governanceAreas, account,
    signIn,
  ]),
  defaultErrorComponent: Crash,
  defaultPreload: "intent",
  scrollRestoration: true,
  // Plain addresses that people can read and write: every value is a string.
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: writeSearch,
});

function writeSearch(search: Record<string, unknown>): string {
  const pairs = Object.entries(search).filter(([, value]) => value !== undefined && value !== "");
  const text = new URLSearchParams(pairs.map(([key, value]) => [key, String(value)])).toString();
  return text && `?${text.replaceAll("%2F", "/").replaceAll("%7E", "~")}`;
}

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
