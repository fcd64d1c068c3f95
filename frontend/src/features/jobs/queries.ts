import {
  type InfiniteData,
  infiniteQueryOptions,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";

import { cursorOf, getJson, postJson } from "../../api/client";
import type { Page, Run, Transfer } from "../../api/types";

const LIVE_MS = 1000;
const IDLE_MS = 10_000;
const PAGE_SIZE = 25;
const ACTIVE = new Set(["queued", "claimed", "running", "verifying", "publishing", "waiting"]);

export const isActive = (row: { state: string }): boolean => ACTIVE.has(row.state);

type Pages<T> = InfiniteData<Page<T>, string>;

/** Every second while something moves; every ten when nothing does, or many pages are open. */
function pollEvery<T extends { state: string }>(data: Pages<T> | undefined): number {
  const pages = data?.pages ?? [];
  const moving = pages.some((page) => page.results.some(isActive));
  return moving && pages.length === 1 ? LIVE_MS : IDLE_MS;
}

function jobsQuery<T extends { state: string }>(what: "transfers" | "runs", state?: string) {
  return infiniteQueryOptions<Page<T>, Error, Pages<T>, unknown[], string>({
    queryKey: ["jobs", what, state],
    queryFn: ({ pageParam, signal }) => {
      const query = { state, page_size: PAGE_SIZE, cursor: pageParam || undefined };
      return getJson<Page<T>>(`/api/v1/${what}`, query, signal);
    },
    initialPageParam: "",
    getNextPageParam: (page) => cursorOf(page.next),
    refetchInterval: (query) => pollEvery<T>(query.state.data as Pages<T> | undefined),
    refetchOnWindowFocus: true,
    staleTime: 0,
  });
}

export const transfersQuery = (state?: string) => jobsQuery<Transfer>("transfers", state);
export const runsQuery = (state?: string) => jobsQuery<Run>("runs", state);

interface Act {
  what: "transfers" | "runs";
  id: string;
  verb: "cancel" | "retry";
}

export function useJobAct() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ what, id, verb }: Act) => postJson(`/api/v1/${what}/${id}/${verb}`),
    onSettled: () => client.invalidateQueries({ queryKey: ["jobs"] }),
  });
}
