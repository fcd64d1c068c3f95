import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";

import { api, ask } from "../../api/client";
import type { Purpose } from "../../api/types";

export function myRequestsQuery(name: string) {
  return queryOptions({
    queryKey: ["access-requests", "mine", name],
    queryFn: ({ signal }) =>
      ask(api.GET("/api/v1/access-requests", { params: { query: { name } }, signal })),
  });
}

export function inboxQuery(name: string) {
  return queryOptions({
    queryKey: ["access-requests", "inbox", name],
    queryFn: ({ signal }) => {
      const query = { name, inbox: true };
      return ask(api.GET("/api/v1/access-requests", { params: { query }, signal }));
    },
  });
}

/** One's own grants; the API lists those on all products. */
export const myGrantsQuery = queryOptions({
  queryKey: ["grants", "mine"],
  queryFn: ({ signal }) => ask(api.GET("/api/v1/grants", { signal })),
});

export function grantsOnQuery(name: string) {
  return queryOptions({
    queryKey: ["grants", "on", name],
    queryFn: ({ signal }) => ask(api.GET("/api/v1/grants", { params: { query: { name } }, signal })),
  });
}

interface NewRequest {
  name: string;
  purpose: Purpose;
  reason: string;
  days: number;
}

export function useRequestAccess() {
  const changed = useAccessChanged();
  return useMutation({
    mutationFn: (body: NewRequest) =>
      ask(api.POST("/api/v1/access-requests", { body: { ...body, team: "", port: "" } })),
    onSuccess: changed,
  });
}

export function useWithdraw() {
  const changed = useAccessChanged();
  return useMutation({
    mutationFn: (id: string) => {
      const params = { path: { request_id: id } };
      return ask(api.POST("/api/v1/access-requests/{request_id}/withdraw", { params }));
    },
    onSuccess: changed,
  });
}

interface Answer {
  id: string;
  approve: boolean;
  comment: string;
}

export function useAnswerRequest() {
  const changed = useAccessChanged();
  return useMutation<unknown, Error, Answer>({
    mutationFn: ({ id, approve, comment }) => {
      const asked = { params: { path: { request_id: id } }, body: { comment } };
      return approve
        ? ask(api.POST("/api/v1/access-requests/{request_id}/approve", asked))
        : ask(api.POST("/api/v1/access-requests/{request_id}/deny", asked));
    },
    onSuccess: changed,
  });
}

export function useRevoke(grant: string) {
  const changed = useAccessChanged();
  return useMutation({
    mutationFn: () => {
      const params = { path: { grant_id: grant } };
      return ask(api.POST("/api/v1/grants/{grant_id}/revoke", { params }));
    },
    onSuccess: changed,
  });
}

interface Glass {
  name: string;
  purpose: Exclude<Purpose, "any">;
  reason: string;
  hours: number;
  password: string;
  code: string;
}

export function useBreakGlass() {
  const changed = useAccessChanged();
  return useMutation({
    mutationFn: (body: Glass) => ask(api.POST("/api/v1/grants/break-glass", { body })),
    onSuccess: changed,
  });
}

/** What was decided changes what one may do: the product is asked for again, too. */
export function useAccessChanged() {
  const client = useQueryClient();
  return async () => {
    const keys = [
      ["access-requests"], ["grants"], ["port-subscriptions"], ["product"], ["preview"],
      ["decisions"],
    ];
    await Promise.all(keys.map((queryKey) => client.invalidateQueries({ queryKey })));
  };
}
