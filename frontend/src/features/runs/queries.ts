import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";

import { api, ask } from "../../api/client";
import { isActive } from "../jobs/queries";

const LIVE_MS = 1000;
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
