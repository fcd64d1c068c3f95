import { createRootRoute, createRoute, createRouter } from "@tanstack/react-router";

import { DiscoverPage } from "./features/discover/route";
import { readDiscover } from "./features/discover/search";
import { readJobs } from "./features/jobs/search";
import { readProduct } from "./features/product/search";
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
  routeTree: root.addChildren([discover, product, jobs, account, signIn]),
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
