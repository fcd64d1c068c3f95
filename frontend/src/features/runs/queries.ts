import {
  infiniteQueryOptions,
  queryOptions,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";

import { api, ask, cursorOf } from "../../api/client";
import type { RunDetail } from "../../api/types";
import { isActive } from "../jobs/queries";

const PAGE_SIZE = 50;
const LIVE_MS = 1000;
const IDLE_MS = 10_000;
export const SET_ASIDE_SHOWN = 100;

/** One run with its statistics; asked for every second until it has ended. */
export function runQuery(id: string) {
  return queryOptions({
    queryKey: ["runs", "one", id],
    queryFn: ({ signal }) =>
      ask(api.GET("/api/v1/runs/{run_id}", { params: { path: { run_id: id } }, signal })),
    refetchInterval: ({ state }) => (state.data && isActive(state.data) ? LIVE_MS : false),
    staleTime: 0,
  });
}

/** The runs of a pipeline, asked for every second while one of them moves. */
export function runsOfQuery(pipeline: string) {
  return infiniteQueryOptions({
    queryKey: ["runs", "of", pipeline],
    queryFn: ({ pageParam, signal }) => {
      const query = { pipeline, page_size: PAGE_SIZE, ...(pageParam && { cursor: pageParam }) };
      return ask(api.GET("/api/v1/runs", { params: { query }, signal }));
    },
    initialPageParam: "",
    getNextPageParam: (last) => cursorOf(last.next),
    refetchInterval: ({ state }) => {
      const pages = state.data?.pages ?? [];
      const moving = pages.some((page) => page.results.some(isActive));
      return moving && pages.length === 1 ? LIVE_MS : IDLE_MS;
    },
    staleTime: 0,
  });
}

/** In what the second run differs from the first; asked for anew when one of them moves on. */
export function diffQuery(first: RunDetail, second: RunDetail) {
  return queryOptions({
    queryKey: ["runs", "diff", first.id, second.id, first.state, second.state],
    queryFn: ({ signal }) => {
      const params = { path: { run_id: first.id }, query: { with: second.id } };
      return ask(api.GET("/api/v1/runs/{run_id}/diff", { params, signal }));
    },
  });
}

/** The first rows that were set aside. Each look is a read and is audited: it is not repeated. */
export function setAsideQuery(id: string) {
  return queryOptions({
    queryKey: ["runs", "aside", id],
    queryFn: ({ signal }) => {
      const params = { path: { run_id: id }, query: { rows: SET_ASIDE_SHOWN } };
      return ask(api.GET("/api/v1/runs/{run_id}/quarantine", { params, signal }));
    },
    staleTime: Infinity,
  });
}

export function cardQuery(id: string) {
  return queryOptions({
    queryKey: ["runs", "card", id],
    queryFn: ({ signal }) =>
      ask(api.GET("/api/v1/runs/{run_id}/card", { params: { path: { run_id: id } }, signal })),
  });
}

export type RunVerb = "cancel" | "retry";

export function useRunAct(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (verb: RunVerb) => {
      const params = { path: { run_id: id } };
      if (verb === "cancel") return ask(api.POST("/api/v1/runs/{run_id}/cancel", { params }));
      return ask(api.POST("/api/v1/runs/{run_id}/retry", { params }));
    },
    onSettled: () => client.invalidateQueries({ queryKey: ["runs"] }),
  });
}
