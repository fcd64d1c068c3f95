import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { api, ask, cursorOf } from "../../api/client";
import { ApiProblem } from "../../api/problem";
import type { LineageDirection } from "./search";

export const PREVIEW_ROWS = 50;
const FILES_PAGE = 50;
const RUNS_LOOKED_AT = 10;

/** A product by its name, or by one that it had before; with what the caller may do. */
export function productQuery(name: string) {
  return queryOptions({
    queryKey: ["product", name],
    queryFn: async ({ signal }) => {
      const page = await ask(
        api.GET("/api/v1/products", { params: { query: { name } }, signal }),
      );
      const found = page.results[0];
      if (!found) throw absent(name);
      const path = { product_id: found.id };
      return ask(api.GET("/api/v1/products/{product_id}", { params: { path }, signal }));
    },
  });
}

function absent(name: string): ApiProblem {
  const detail = `There is no product ${name}, or you may not know of it.`;
  return new ApiProblem(404, { title: "Not found", detail, code: "not_found" }, "");
}

export function versionsQuery(product: string) {
  return infiniteQueryOptions({
    queryKey: ["versions", product],
    queryFn: ({ pageParam, signal }) => {
      const query = { product, ...(pageParam && { cursor: pageParam }) };
      return ask(api.GET("/api/v1/versions", { params: { query }, signal }));
    },
    initialPageParam: "",
    getNextPageParam: (page) => cursorOf(page.next),
  });
}

/** The last runs that made versions of a product. */
export function madeByQuery(product: string) {
  return queryOptions({
    queryKey: ["runs", "into", product],
    queryFn: ({ signal }) => {
      const query = { output: product, state: "done", page_size: RUNS_LOOKED_AT };
      return ask(api.GET("/api/v1/runs", { params: { query }, signal }));
    },
  });
}

export function filesQuery(version: string) {
  return infiniteQueryOptions({
    queryKey: ["files", version],
    queryFn: ({ pageParam, signal }) => {
      const query = { page_size: FILES_PAGE, ...(pageParam && { cursor: pageParam }) };
      const params = { path: { version_id: version }, query };
      return ask(api.GET("/api/v1/versions/{version_id}/files", { params, signal }));
    },
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
}

export function replicasQuery(product: string) {
  return queryOptions({
    queryKey: ["replicas", product],
    queryFn: ({ signal }) =>
      ask(api.GET("/api/v1/replicas", { params: { query: { product } }, signal })),
  });
}

export function transfersOfQuery(product: string) {
  return queryOptions({
    queryKey: ["transfers", { product }],
    queryFn: ({ signal }) =>
      ask(api.GET("/api/v1/transfers", { params: { query: { product } }, signal })),
  });
}

export function planQuery(name: string) {
  return queryOptions({
    queryKey: ["plan", name],
    queryFn: ({ signal }) => ask(api.GET("/api/v1/plans", { params: { query: { name } }, signal })),
  });
}

export function previewQuery(version: string) {
  return queryOptions({
    queryKey: ["preview", version],
    queryFn: ({ signal }) => {
      const params = { path: { version_id: version }, query: { rows: PREVIEW_ROWS } };
      return ask(api.GET("/api/v1/versions/{version_id}/preview", { params, signal }));
    },
  });
}

export function lineageQuery(name: string, direction: LineageDirection, depth: number) {
  return queryOptions({
    queryKey: ["lineage", name, direction, depth],
    queryFn: ({ signal }) => {
      const query = { name, direction, depth };
      return ask(api.GET("/api/v1/lineage/graph", { params: { query }, signal }));
    },
  });
}
