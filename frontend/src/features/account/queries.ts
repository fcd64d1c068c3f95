import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";

import { api, ask, cursorOf } from "../../api/client";
import type { Action } from "../../api/types";

/** One's own tokens and the delegations one gave. */
export const tokensQuery = infiniteQueryOptions({
  queryKey: ["tokens"],
  queryFn: ({ pageParam, signal }) =>
    ask(api.GET("/api/v1/tokens", { params: { query: { cursor: pageParam } }, signal })),
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page) => cursorOf(page.next),
});

export const agentsQuery = queryOptions({
  queryKey: ["users", "agent"],
  queryFn: ({ signal }) =>
    ask(api.GET("/api/v1/users", { params: { query: { kind: "agent", page_size: 500 } }, signal })),
  staleTime: 60_000,
});

export interface NewToken {
  title: string;
  days: number;
  scopes: { actions: Action[]; prefix: string }[] | null;
  agent: string;
}

export function useCreateToken() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: NewToken) =>
      ask(api.POST("/api/v1/tokens", { body: { ...body, username: "" } })),
    onSuccess: () => client.invalidateQueries({ queryKey: tokensQuery.queryKey }),
  });
}

export function useRevokeToken() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      ask(api.DELETE("/api/v1/tokens/{token_id}", { params: { path: { token_id: id } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: tokensQuery.queryKey }),
  });
}
