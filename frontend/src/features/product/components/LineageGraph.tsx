import "@xyflow/react/dist/base.css";

import { useQuery } from "@tanstack/react-query";
import { Background, Controls, type Edge, MarkerType, type Node, ReactFlow } from "@xyflow/react";

import type { Graph } from "../../../api/types";
import { Failure } from "../../../ui/Notice";
import classes from "../Product.module.css";
import { layoutQuery, type Placed } from "../layout";
import { LineageNode, type LineageNodeData } from "./LineageNode";

const NODE_TYPES = { lineage: LineageNode };
const READABLE = { padding: 0.12, maxZoom: 1, minZoom: 0.35 };

export function LineageGraph({ graph }: { graph: Graph }) {
  const places = useQuery(layoutQuery(graph));
  if (places.isError) return <Failure error={places.error} />;
  if (!places.data) return <div className={classes["canvas"]} role="status" aria-label="Drawing" />;
  return (
    <section className={classes["canvas"]} style={{ height: heightOf(places.data) }} aria-label="Lineage graph; the table says the same">
      <ReactFlow
        key={graph.root + graph.nodes.length}
        nodes={nodesOf(graph, places.data)}
        edges={edgesOf(graph)}
        nodeTypes={NODE_TYPES}
        fitView
        fitViewOptions={READABLE}
        minZoom={0.2}
        maxZoom={1.5}
        nodesDraggable={false}
        nodesConnectable={false}
        edgesFocusable={false}
        nodesFocusable={false}
        zoomOnScroll={false}
        preventScrolling={false}
        proOptions={{ hideAttribution: true }}
      >
        <Background gap={22} color="var(--fm-line)" />
        <Controls showInteractive={false} />
      </ReactFlow>
    </section>
  );
}

const NODE_WIDTH = 232;
const TYPICAL_WIDTH = 1180;

/** As tall as the drawing once it fits the width, within what a screen bears. */
function heightOf(placed: Placed): number {
  const spots = [...placed.values()];
  const wide = Math.max(...spots.map(({ x }) => x)) + NODE_WIDTH;
  const tall = Math.max(...spots.map(({ y }) => y)) + NODE_WIDTH;
  return Math.round(Math.min(620, Math.max(300, tall * Math.min(1, TYPICAL_WIDTH / wide) + 60)));
}

function nodesOf(graph: Graph, placed: Placed): Node<LineageNodeData>[] {
  return graph.nodes.map((node) => ({
    id: node.id,
    type: "lineage",
    position: placed.get(node.id) ?? { x: 0, y: 0 },
    data: { node, root: node.id === graph.root },
  }));
}

function edgesOf(graph: Graph): Edge[] {
  return graph.edges.map((edge) => ({
    id: `${edge.source} ${edge.target} ${edge.kind}`,
    source: edge.source,
    target: edge.target,
    markerEnd: { type: MarkerType.ArrowClosed, color: "var(--fm-idle)" },
    style: { stroke: "var(--fm-idle)", strokeDasharray: edge.direct ? undefined : "5 4" },
  }));
}
