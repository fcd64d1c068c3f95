import {
  infiniteQueryOptions,
  queryOptions,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";

import { api, ask, cursorOf } from "../../api/client";

export function labelsQuery(name: string) {
  return infiniteQueryOptions({
    queryKey: ["labels", name],
    queryFn: ({ pageParam, signal }) => {
      const query = { name, ...(pageParam && { cursor: pageParam }) };
      return ask(api.GET("/api/v1/labels", { params: { query }, signal }));
    },
    initialPageParam: "",
    getNextPageParam: (page) => cursorOf(page.next),
  });
}

export function declassificationsQuery(name: string) {
  return queryOptions({
    queryKey: ["labels", name, "declassified"],
    queryFn: ({ signal }) =>
      ask(api.GET("/api/v1/labels/declassifications", { params: { query: { name } }, signal })),
  });
}

const SCANNING = new Set(["queued", "running", "waiting"]);
const SCAN_MS = 2000;

export function scansQuery(name: string) {
  return queryOptions({
    queryKey: ["scans", name],
    queryFn: ({ signal }) => ask(api.GET("/api/v1/scans", { params: { query: { name } }, signal })),
    refetchInterval: (query) =>
      query.state.data?.results.some((scan) => SCANNING.has(scan.state)) ? SCAN_MS : false,
  });
}

/** One scan with all that it found; asked for again when its state has changed. */
export function scanQuery(id: string, state: string) {
  return queryOptions({
    queryKey: ["scans", "one", id, state],
    queryFn: ({ signal }) =>
      ask(api.GET("/api/v1/scans/{scan_id}", { params: { path: { scan_id: id } }, signal })),
  });
}

function useLabelsChanged() {
  const client = useQueryClient();
  return async () => {
    const keys = [["labels"], ["scans"], ["product"]];
    await Promise.all(keys.map((queryKey) => client.invalidateQueries({ queryKey })));
  };
}

interface Placed {
  name: string;
  label: string;
  column: string;
  reason: string;
}

export function useDeclassify() {
  const changed = useLabelsChanged();
  return useMutation({
    mutationFn: (body: Placed) => ask(api.POST("/api/v1/labels/declassifications", { body })),
    onSuccess: changed,
  });
}

export function useRevokeDeclassification(id: string) {
  const changed = useLabelsChanged();
  return useMutation({
    mutationFn: () => {
      const params = { path: { declassification_id: id } };
      const address = "/api/v1/labels/declassifications/{declassification_id}/revoke" as const;
      return ask(api.POST(address, { params }));
    },
    onSuccess: changed,
  });
}

export function useScan() {
  const changed = useLabelsChanged();
  return useMutation({
    mutationFn: (name: string) => ask(api.POST("/api/v1/scans", { body: { name } })),
    onSuccess: changed,
  });
}

interface Verdict {
  column: string;
  label: string;
  verdict: "confirm" | "reject";
  comment: string;
}

export function useVerdict(scan: string) {
  const changed = useLabelsChanged();
  return useMutation({
    mutationFn: (body: Verdict) => {
      const params = { path: { scan_id: scan } };
      return ask(api.POST("/api/v1/scans/{scan_id}/verdicts", { params, body }));
    },
    onSuccess: changed,
  });
}
