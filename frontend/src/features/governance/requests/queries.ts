import { infiniteQueryOptions, queryOptions, useMutation } from "@tanstack/react-query";

import { api, ask, cursorOf } from "../../../api/client";
import type { ReviewVerdict } from "../../../api/types";
import { useAccessChanged } from "../../product/accessQueries";

/** One's own requests, or those that wait for one's answer. */
export function requestsQuery(inbox: boolean) {
  return infiniteQueryOptions({
    queryKey: ["access-requests", inbox ? "inbox" : "mine"],
    queryFn: ({ pageParam, signal }) => {
      const query = { ...(inbox && { inbox }), ...(pageParam && { cursor: pageParam }) };
      return ask(api.GET("/api/v1/access-requests", { params: { query }, signal }));
    },
    initialPageParam: "",
    getNextPageParam: (page) => cursorOf(page.next),
  });
}

/** One's own grants, or the broken glasses whose review one owes. */
export function grantsQuery(owed: boolean) {
  return infiniteQueryOptions({
    queryKey: ["grants", owed ? "owed" : "own"],
    queryFn: ({ pageParam, signal }) => {
      const review = { review: "owed" as const };
      const query = { ...(owed && review), ...(pageParam && { cursor: pageParam }) };
      return ask(api.GET("/api/v1/grants", { params: { query }, signal }));
    },
    initialPageParam: "",
    getNextPageParam: (page) => cursorOf(page.next),
  });
}

/** How one's own subscriptions to ports, and those of one's teams, stand now. */
export const subscriptionsQuery = infiniteQueryOptions({
  queryKey: ["port-subscriptions", "mine"],
  queryFn: ({ pageParam, signal }) => {
    const query = { ...(pageParam && { cursor: pageParam }) };
    return ask(api.GET("/api/v1/port-subscriptions", { params: { query }, signal }));
  },
  initialPageParam: "",
  getNextPageParam: (page) => cursorOf(page.next),
});

export function remarksQuery(request: string) {
  return queryOptions({
    queryKey: ["access-requests", "remarks", request],
    queryFn: ({ signal }) => {
      const params = { path: { request_id: request } };
      return ask(api.GET("/api/v1/access-requests/{request_id}/comments", { params, signal }));
    },
  });
}

interface Answer {
  id: string;
  comment: string;
  /** Fewer days than were asked for; null denies. */
  days: number | null;
}

export function useAnswer() {
  const changed = useAccessChanged();
  return useMutation<unknown, Error, Answer>({
    mutationFn: ({ id, comment, days }) => {
      const params = { path: { request_id: id } };
      const deny = "/api/v1/access-requests/{request_id}/deny" as const;
      const approve = "/api/v1/access-requests/{request_id}/approve" as const;
      if (days === null) return ask(api.POST(deny, { params, body: { comment } }));
      return ask(api.POST(approve, { params, body: { comment, days } }));
    },
    onSuccess: changed,
  });
}

export function useRemark(request: string) {
  const changed = useAccessChanged();
  return useMutation({
    mutationFn: (text: string) => {
      const asked = { params: { path: { request_id: request } }, body: { text } };
      return ask(api.POST("/api/v1/access-requests/{request_id}/comments", asked));
    },
    onSuccess: changed,
  });
}

export function useRenew(grant: string) {
  const changed = useAccessChanged();
  return useMutation({
    mutationFn: (body: { days: number; reason: string }) => {
      const params = { path: { grant_id: grant } };
      return ask(api.POST("/api/v1/grants/{grant_id}/renew", { params, body }));
    },
    onSuccess: changed,
  });
}

export function useReview(grant: string) {
  const changed = useAccessChanged();
  return useMutation({
    mutationFn: (body: { verdict: ReviewVerdict; comment: string }) => {
      const params = { path: { grant_id: grant } };
      return ask(api.POST("/api/v1/grants/{grant_id}/review", { params, body }));
    },
    onSuccess: changed,
  });
}
