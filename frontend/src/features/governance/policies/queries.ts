import {
  infiniteQueryOptions,
  queryOptions,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";

import { api, ask, cursorOf } from "../../../api/client";
import { asProblem } from "../../../api/problem";
import type { Policy, PolicyKind, Simulation } from "../../../api/types";
import type { PoliciesSearch } from "./search";

export function policiesQuery(filters: PoliciesSearch & { slug?: string }) {
  return infiniteQueryOptions({
    queryKey: ["policies", "list", filters],
    queryFn: ({ pageParam, signal }) => {
      const query = { ...filters, ...(pageParam && { cursor: pageParam }) };
      return ask(api.GET("/api/v1/policies", { params: { query }, signal }));
    },
    initialPageParam: "",
    getNextPageParam: (page) => cursorOf(page.next),
  });
}

export function policyQuery(id: string) {
  return queryOptions({
    queryKey: ["policies", "one", id],
    queryFn: ({ signal }) => {
      const params = { path: { policy_id: id } };
      return ask(api.GET("/api/v1/policies/{policy_id}", { params, signal }));
    },
  });
}

/** The newest simulation of a version; null when there is none yet. */
export function simulationQuery(id: string) {
  return queryOptions({
    queryKey: ["policies", "simulation", id],
    queryFn: async ({ signal }): Promise<Simulation | null> => {
      const params = { path: { policy_id: id } };
      try {
        return await ask(api.GET("/api/v1/policies/{policy_id}/simulation", { params, signal }));
      } catch (error) {
        if (asProblem(error).status === 404) return null;
        throw error;
      }
    },
  });
}

export function diffQuery(id: string, other: string) {
  return queryOptions({
    queryKey: ["policies", "diff", id, other],
    queryFn: ({ signal }) => {
      const params = { path: { policy_id: id, other_id: other } };
      return ask(api.GET("/api/v1/policies/{policy_id}/diff/{other_id}", { params, signal }));
    },
  });
}

type Tests = Record<string, unknown>[] | null;

export interface NewDraft {
  kind: PolicyKind;
  slug: string;
  text: string;
  tests: Tests;
}

/** Every act changes one version and perhaps others of its policy; the answer is the version. */
function useAct<Asked>(act: (asked: Asked) => Promise<Policy>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: act,
    onSuccess: async (policy) => {
      client.setQueryData(policyQuery(policy.id).queryKey, policy);
      await client.invalidateQueries({ queryKey: ["policies", "list"] });
      await client.invalidateQueries({ queryKey: ["policies", "simulation", policy.id] });
      await client.invalidateQueries({ queryKey: ["decisions"] });
    },
  });
}

export const useCreateDraft = () =>
  useAct((body: NewDraft) => ask(api.POST("/api/v1/policies/drafts", { body })));

export const useEditDraft = (id: string) =>
  useAct((body: { text: string; tests: Tests }) => {
    const params = { path: { policy_id: id } };
    return ask(api.PUT("/api/v1/policies/{policy_id}", { params, body }));
  });

export const MOVES = ["validate", "propose", "activate", "rollback", "retire"] as const;
export type Move = (typeof MOVES)[number];

export const useMove = (id: string) =>
  useAct((move: Move) => {
    const params = { path: { policy_id: id } };
    switch (move) {
      case "validate":
        return ask(api.POST("/api/v1/policies/{policy_id}/validate", { params }));
      case "propose":
        return ask(api.POST("/api/v1/policies/{policy_id}/propose", { params }));
      case "activate":
        return ask(api.POST("/api/v1/policies/{policy_id}/activate", { params }));
      case "rollback":
        return ask(api.POST("/api/v1/policies/{policy_id}/rollback", { params }));
      case "retire":
        return ask(api.POST("/api/v1/policies/{policy_id}/retire", { params }));
    }
  });

export const useApprove = (policy: Policy) =>
  useAct((comment: string) => {
    const params = { path: { policy_id: policy.id } };
    const body = { digest: policy.digest, comment }; // the text that was read, and no other
    return ask(api.POST("/api/v1/policies/{policy_id}/approve", { params, body }));
  });

export function useSimulate(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (noNewAccess: boolean) => {
      const params = { path: { policy_id: id } };
      const body = { no_new_access: noNewAccess, days: 90, names: 50 };
      return ask(api.POST("/api/v1/policies/{policy_id}/simulate", { params, body }));
    },
    onSuccess: async (simulation) => {
      client.setQueryData(simulationQuery(id).queryKey, simulation);
      await client.invalidateQueries({ queryKey: policyQuery(id).queryKey });
      await client.invalidateQueries({ queryKey: ["policies", "list"] });
    },
  });
}

export function useDeleteDraft(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => {
      const params = { path: { policy_id: id } };
      return ask(api.DELETE("/api/v1/policies/{policy_id}", { params }));
    },
    onSuccess: () => client.invalidateQueries({ queryKey: ["policies", "list"] }),
  });
}
