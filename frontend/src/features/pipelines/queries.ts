import {
  infiniteQueryOptions,
  keepPreviousData,
  queryOptions,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";

import { api, ask, cursorOf } from "../../api/client";
import type { Pipeline } from "../../api/types";
import { isActive } from "../jobs/queries";

const PAGE_SIZE = 50;
const LIVE_MS = 1000;
const IDLE_MS = 10_000;

export function pipelinesQuery(q: string) {
  return infiniteQueryOptions({
    queryKey: ["pipelines", "list", q],
    queryFn: ({ pageParam, signal }) => {
      const query = { page_size: PAGE_SIZE, ...(q && { q }), ...(pageParam && { cursor: pageParam }) };
      return ask(api.GET("/api/v1/pipelines", { params: { query }, signal }));
    },
    initialPageParam: "",
    getNextPageParam: (last) => cursorOf(last.next),
    placeholderData: keepPreviousData,
    refetchInterval: IDLE_MS,
  });
}

export function pipelineQuery(id: string) {
  return queryOptions({
    queryKey: ["pipelines", "one", id],
    queryFn: ({ signal }) => {
      const params = { path: { pipeline_id: id } };
      return ask(api.GET("/api/v1/pipelines/{pipeline_id}", { params, signal }));
    },
  });
}

/** What a run would do now. The input's columns are read for it, and nothing is written. */
export function planQuery({ id, digest }: Pipeline, purpose: string) {
  return queryOptions({
    queryKey: ["pipelines", "plan", id, digest, purpose],
    queryFn: ({ signal }) => {
      const asked = { params: { path: { pipeline_id: id } }, body: { purpose }, signal };
      return ask(api.POST("/api/v1/pipelines/{pipeline_id}/plan", asked));
    },
  });
}

/** What becomes of the first rows. Each look is a read and is audited: it is not repeated. */
export function sampleQuery({ id, digest }: Pipeline, purpose: string, rows: number) {
  return queryOptions({
    queryKey: ["pipelines", "sample", id, digest, purpose, rows],
    queryFn: ({ signal }) => {
      const asked = { params: { path: { pipeline_id: id } }, body: { purpose, rows }, signal };
      return ask(api.POST("/api/v1/pipelines/{pipeline_id}/sample", asked));
    },
    staleTime: Infinity,
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

export function useRunNow(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (purpose: string) => {
      const asked = { params: { path: { pipeline_id: id } }, body: { purpose } };
      return ask(api.POST("/api/v1/pipelines/{pipeline_id}/run", asked));
    },
    onSuccess: () => client.invalidateQueries({ queryKey: ["runs"] }),
  });
}
