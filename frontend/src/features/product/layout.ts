import { queryOptions } from "@tanstack/react-query";
import ELK from "elkjs/lib/elk-api.js";
import workerUrl from "elkjs/lib/elk-worker.min.js?url";

import type { Graph } from "../../api/types";

export type Placed = Map<string, { x: number; y: number }>;

const NODE = { width: 232, height: 66 };
const OPTIONS = {
  "elk.algorithm": "layered",
  "elk.direction": "RIGHT",
  "elk.layered.spacing.nodeNodeBetweenLayers": "70",
  "elk.spacing.nodeNode": "22",
  "elk.layered.nodePlacement.strategy": "NETWORK_SIMPLEX",
};

/** The places of a graph; the same nodes and edges have the same ones. */
export function layoutQuery(graph: Graph) {
  const edges = graph.edges.map(({ source, target }) => `${source} ${target}`);
  return queryOptions({
    queryKey: ["layout", graph.nodes.map((node) => node.id), edges],
    queryFn: () => layout(graph),
    staleTime: Infinity,
  });
}

let elk: InstanceType<typeof ELK> | undefined;

/** Return where each node goes, in layers from left to right; the work is done in a worker. */
async function layout(graph: Graph): Promise<Placed> {
  elk ??= new ELK({ workerUrl });
  const answer = await elk.layout({
    id: "lineage",
    layoutOptions: OPTIONS,
    children: graph.nodes.map((node) => ({ id: node.id, ...NODE })),
    edges: graph.edges.map((edge, index) => ({
      id: `edge ${index}`,
      sources: [edge.source],
      targets: [edge.target],
    })),
  });
  const children = answer.children ?? [];
  return new Map(children.map(({ id, x = 0, y = 0 }) => [id, { x, y }]));
}
