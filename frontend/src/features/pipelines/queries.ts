import {
  infiniteQueryOptions,
  keepPreviousData,
  queryOptions,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";

import { api, ask, cursorOf } from "../../api/client";
import type {
  CheckedDocument,
  Pipeline,
  PipelinePlan,
  PipelineSample,
} from "../../api/types";

const PAGE_SIZE = 50;
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

/** A pipeline to write the next revision of: asked for anew, and not replaced under one's hands. */
export function begunQuery(id: string) {
  return queryOptions({ ...pipelineQuery(id), queryKey: ["begun", id], gcTime: 0, staleTime: Infinity });
}

/** The pipeline of exactly this name, if one may know of it. */
export function namedQuery(name: string) {
  return queryOptions({
    queryKey: ["pipelines", "named", name],
    queryFn: async ({ signal }) => {
      const page = await ask(api.GET("/api/v1/pipelines", { params: { query: { name } }, signal }));
      return page.results[0] ?? null;
    },
    enabled: name !== "",
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

export type Verb = "check" | "plan" | "sample";

export interface DraftAsked {
  verb: Verb;
  text: string;
  purpose: string;
  /** How many of the first rows a sample takes. */
  rows: number;
}

export type DraftTold =
  | { verb: "check"; checked: CheckedDocument }
  | { verb: "plan"; plan: PipelinePlan }
  | { verb: "sample"; sample: PipelineSample };

/** What the platform says of a document that is not saved. Nothing is asked for twice by itself. */
export function useAskDraft() {
  return useMutation({
    mutationFn: async ({ verb, text, purpose, rows }: DraftAsked): Promise<DraftTold> => {
      const body = { text, purpose };
      if (verb === "check") {
        return { verb, checked: await ask(api.POST("/api/v1/pipelines/check", { body })) };
      }
      if (verb === "plan") {
        return { verb, plan: await ask(api.POST("/api/v1/pipelines/plan", { body })) };
      }
      const asked = { body: { ...body, rows } };
      return { verb, sample: await ask(api.POST("/api/v1/pipelines/sample", asked)) };
    },
  });
}

export function useSave() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: { name: string; text: string; purpose: string }) =>
      ask(api.POST("/api/v1/pipelines", { body })),
    onSuccess: (pipeline) => {
      client.setQueryData(pipelineQuery(pipeline.id).queryKey, pipeline);
      return client.invalidateQueries({ queryKey: ["pipelines"] });
    },
  });
}

export function useRunNow() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, purpose }: { id: string; purpose: string }) => {
      const asked = { params: { path: { pipeline_id: id } }, body: { purpose } };
      return ask(api.POST("/api/v1/pipelines/{pipeline_id}/run", asked));
    },
    onSuccess: () => client.invalidateQueries({ queryKey: ["runs"] }),
  });
}
