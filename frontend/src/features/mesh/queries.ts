import {
  infiniteQueryOptions,
  queryOptions,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";

import { api, ask, cursorOf } from "../../api/client";
import type { AppliedPlan, PlanAsked, SiteState } from "../../api/types";
import type { AskedPlan } from "./search";

const PAGE_SIZE = 100;
const LOOK_MS = 15_000;
const LIVE_MS = 1000;

const page = (cursor: string) => ({ page_size: PAGE_SIZE, ...(cursor && { cursor }) });

export const sitesQuery = infiniteQueryOptions({
  queryKey: ["mesh", "sites"],
  queryFn: ({ pageParam, signal }) =>
    ask(api.GET("/api/v1/sites", { params: { query: page(pageParam) }, signal })),
  initialPageParam: "",
  getNextPageParam: (last) => cursorOf(last.next),
  refetchInterval: LOOK_MS,
});

export const storesQuery = infiniteQueryOptions({
  queryKey: ["mesh", "stores"],
  queryFn: ({ pageParam, signal }) =>
    ask(api.GET("/api/v1/stores", { params: { query: page(pageParam) }, signal })),
  initialPageParam: "",
  getNextPageParam: (last) => cursorOf(last.next),
  refetchInterval: LOOK_MS,
});

/** Ways between sites, with what was measured on them: the API tells operators alone. */
export const linksQuery = infiniteQueryOptions({
  queryKey: ["mesh", "links"],
  queryFn: ({ pageParam, signal }) =>
    ask(api.GET("/api/v1/links", { params: { query: page(pageParam) }, signal })),
  initialPageParam: "",
  getNextPageParam: (last) => cursorOf(last.next),
});

/** One site with what lies there. */
export function siteQuery(name: string) {
  return queryOptions({
    queryKey: ["mesh", "site", name],
    queryFn: ({ signal }) => ask(api.GET("/api/v1/sites/{name}", { params: { path: { name } }, signal })),
  });
}

export interface SiteChange {
  state: SiteState;
  reason: string;
  expected_back: string | null;
}

export function useChangeSite(name: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: SiteChange) =>
      ask(api.PATCH("/api/v1/sites/{name}", { params: { path: { name } }, body })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["mesh"] }),
  });
}

export function useTrustStore(name: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => ask(api.POST("/api/v1/stores/{name}/trust", { params: { path: { name } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["mesh", "stores"] }),
  });
}

/** What would move; what only stays where it is, is left out. */
export function planQuery({ kind, value }: AskedPlan) {
  return queryOptions({
    queryKey: ["plans", kind, value],
    queryFn: ({ signal }) => {
      const query = { [kind]: value, keep: false };
      return ask(api.GET("/api/v1/plans", { params: { query }, signal }));
    },
  });
}

/** How far an applied plan is; asked every second until nothing of it is under way. */
export function appliedQuery(id: string) {
  return queryOptions<AppliedPlan>({
    queryKey: ["plans", "applied", id],
    queryFn: ({ signal }) =>
      ask(api.GET("/api/v1/plans/{plan_id}", { params: { path: { plan_id: id } }, signal })),
    refetchInterval: ({ state }) => (state.data?.active === 0 ? false : LIVE_MS),
    staleTime: 0,
  });
}

/** Have the plan carried out that was shown, and no other: its digest goes with it. */
export function useApplyPlan({ kind, value }: AskedPlan) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (digest: string) => {
      const body = { [kind]: value, digest, keep: false } as PlanAsked; // a blank one is refused
      return ask(api.POST("/api/v1/plans", { body }));
    },
    onSettled: () => client.invalidateQueries({ queryKey: ["plans", kind, value] }),
  });
}

export function useCallOff(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      ask(api.POST("/api/v1/plans/{plan_id}/undo", { params: { path: { plan_id: id } } })),
    onSuccess: (applied) => {
      client.setQueryData(appliedQuery(id).queryKey, applied);
      return client.invalidateQueries({ queryKey: ["plans"] });
    },
  });
}
