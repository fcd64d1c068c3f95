import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { api, ask, cursorOf } from "../../../api/client";
import type { AuditSearch } from "./search";
import { verify } from "./verify";

export type Filters = Omit<AuditSearch, "entry">;

const midnight = (date: string): string => new Date(`${date}T00:00`).toISOString();

export function entriesQuery(filters: Filters) {
  return infiniteQueryOptions({
    queryKey: ["audit", "entries", filters],
    queryFn: ({ pageParam, signal }) => {
      const { since, until, ...texts } = filters;
      const query = {
        ...texts,
        ...(since && { since: midnight(since) }),
        ...(until && { until: midnight(until) }),
        ...(pageParam && { cursor: pageParam }),
      };
      return ask(api.GET("/api/v1/audit", { params: { query }, signal }));
    },
    initialPageParam: "",
    getNextPageParam: (page) => cursorOf(page.next),
  });
}

export const checkpointQuery = queryOptions({
  queryKey: ["audit", "checkpoint"],
  queryFn: ({ signal }) => ask(api.GET("/api/v1/audit/checkpoint", { signal })),
});

/** The proof that an entry stands in the log, and what this browser found when it checked it. */
export function proofQuery(entry: number) {
  return queryOptions({
    queryKey: ["audit", "proof", entry],
    queryFn: async ({ signal }) => {
      const proof = await ask(api.GET("/api/v1/audit/proof", { params: { query: { entry } }, signal }));
      return { proof, outcome: await verify(proof) };
    },
  });
}
