import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { api, ask } from "./client";
import type { Me } from "./types";

export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: ({ signal }) => ask(api.GET("/api/v1/me", { signal })),
  staleTime: 60_000,
});

export function useMe(): Me | undefined {
  return useQuery(meQuery).data;
}

/** Whether who looks at the page is known; what only members may ask waits for it. */
export const useSignedIn = (): boolean => useMe()?.authenticated === true;

export function useSignIn() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: { username: string; password: string; code: string }) =>
      ask(api.POST("/api/v1/session", { body })),
    onSuccess: (me) => {
      client.clear(); // nothing that was read as someone else stays
      client.setQueryData(meQuery.queryKey, me);
    },
  });
}

export function useSignOut() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => ask(api.DELETE("/api/v1/session")),
    onSuccess: () => {
      client.clear();
      window.location.assign("/");
    },
  });
}
