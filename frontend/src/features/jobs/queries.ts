import {
  type InfiniteData,
  infiniteQueryOptions,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";

import { api, ask, cursorOf } from "../../api/client";
import type { Page, Run, Transfer } from "../../api/types";
import { noteProgress } from "./rate";
import type { RunState, TransferState } from "./search";

const LIVE_MS = 1000;
const IDLE_MS = 10_000;
const PAGE_SIZE = 25;
const ACTIVE = new Set(["queued", "claimed", "running", "verifying", "publishing", "waiting"]);

export const isActive = (job: { state: string }): boolean => ACTIVE.has(job.state);

export type Pages<T> = InfiniteData<Page<T>, string>;

/** Every second while something moves; every ten when nothing does, or many pages are open. */
function pollEvery<T extends { state: string }>(data: Pages<T> | undefined): number {
  const pages = data?.pages ?? [];
  const moving = pages.some((page) => page.results.some(isActive));
  return moving && pages.length === 1 ? LIVE_MS : IDLE_MS;
}

/** With `told`, the platform tells of what moves by itself, and the list is asked for seldom. */
export function transfersQuery(state: TransferState | undefined, told: boolean) {
  return infiniteQueryOptions<Page<Transfer>, Error, Pages<Transfer>, unknown[], string>({
    queryKey: ["jobs", "transfers", state],
    queryFn: async ({ pageParam, signal }) => {
      const query = { state, page_size: PAGE_SIZE, cursor: pageParam || undefined };
      const page = await ask(api.GET("/api/v1/transfers", { params: { query }, signal }));
      for (const transfer of page.results) noteProgress(transfer.id, transfer.bytes_done);
      return page;
    },
    initialPageParam: "",
    getNextPageParam: (page) => cursorOf(page.next),
    refetchInterval: (query) => (told ? IDLE_MS : pollEvery(query.state.data)),
    refetchOnWindowFocus: true,
    staleTime: 0,
  });
}

export function runsQuery(state: RunState | undefined) {
  return infiniteQueryOptions<Page<Run>, Error, Pages<Run>, unknown[], string>({
    queryKey: ["jobs", "runs", state],
    queryFn: ({ pageParam, signal }) => {
      const query = { state, page_size: PAGE_SIZE, cursor: pageParam || undefined };
      return ask(api.GET("/api/v1/runs", { params: { query }, signal }));
    },
    initialPageParam: "",
    getNextPageParam: (page) => cursorOf(page.next),
    refetchInterval: (query) => pollEvery(query.state.data),
    refetchOnWindowFocus: true,
    staleTime: 0,
  });
}

export interface JobAct {
  what: "transfers" | "runs";
  id: string;
  verb: "cancel" | "retry";
}

function act({ what, id, verb }: JobAct): Promise<unknown> {
  const transfer = { params: { path: { transfer_id: id } } };
  const run = { params: { path: { run_id: id } } };
  if (what === "transfers" && verb === "cancel") {
    return ask(api.POST("/api/v1/transfers/{transfer_id}/cancel", transfer));
  }
  if (what === "transfers") return ask(api.POST("/api/v1/transfers/{transfer_id}/retry", transfer));
  if (verb === "cancel") return ask(api.POST("/api/v1/runs/{run_id}/cancel", run));
  return ask(api.POST("/api/v1/runs/{run_id}/retry", run));
}

export function useJobAct() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: act,
    onSettled: () => client.invalidateQueries({ queryKey: ["jobs"] }),
  });
}
