"""Our graph in the shape that Marquez's web and client read. A redacted node has blank names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from lineage.engine.facts import EdgeKind, NodeKind
from lineage.selectors import Graph, GraphEdge, GraphNode

_TYPES = {
    NodeKind.JOB: "JOB",
    NodeKind.RUN: "RUN",
    NodeKind.COLUMN: "DATASET_FIELD",
}


def lineage(graph: Graph) -> dict[str, Any]:
    """Return datasets and jobs; a dataset that derives from another without a job is tied to it."""
    carried = {e.target for e in graph.edges if e.kind == EdgeKind.PRODUCES}
    shown = [
        edge for edge in graph.edges if edge.kind != EdgeKind.DERIVES or edge.target not in carried
    ]
    return _shape(graph.nodes, shown, _data)


def column_lineage(graph: Graph) -> dict[str, Any]:
    named = {node.id: node for node in graph.nodes}
    sources = defaultdict(list)
    for edge in graph.edges:
        sources[edge.target].append(named[edge.source])
    return _shape(graph.nodes, graph.edges, lambda node: _field_data(node, sources[node.id]))


def _shape(
    nodes: Sequence[GraphNode],
    edges: Sequence[GraphEdge],
    data: Callable[[GraphNode], dict[str, Any]],
) -> dict[str, Any]:
    ids = {node.id: _node_id(node) for node in nodes}
    into, out = defaultdict(list), defaultdict(list)
    for source, target in dict.fromkeys((edge.source, edge.target) for edge in edges):
        row = {"origin": ids[source], "destination": ids[target]}
        out[source].append(row)
        into[target].append(row)
    return {
        "graph": [
            {
                "id": ids[node.id],
                "type": _TYPES.get(NodeKind(node.kind), "DATASET"),
                "data": data(node),
                "inEdges": into[node.id],
                "outEdges": out[node.id],
            }
            for node in nodes
        ]
    }


def _node_id(node: GraphNode) -> str:
    if node.node is not None and node.kind == NodeKind.COLUMN:
        return f"datasetField:{node.namespace}:{node.node.name}:{node.node.part}"
    return node.id


def _data(node: GraphNode) -> dict[str, Any]:
    row = node.node
    attrs = row.attrs if row else {}
    return {
        "id": {"namespace": node.namespace, "name": node.name},
        "type": "BATCH" if node.kind == NodeKind.JOB else "DB_TABLE",
        "name": node.name,
        "simpleName": node.name.rpartition("/")[2],
        "namespace": node.namespace,
        "description": attrs.get("description", ""),
        "fields": [{**field, "tags": []} for field in attrs.get("fields", [])],
        "tags": [],
        "createdAt": row.created_at.isoformat() if row else None,
        "updatedAt": row.updated_at.isoformat() if row else None,
        "redacted": node.redacted,
    }


def _field_data(node: GraphNode, sources: Sequence[GraphNode]) -> dict[str, Any]:
    return {**_field(node), "inputFields": [_field(source) for source in sources]}


def _field(node: GraphNode) -> dict[str, Any]:
    row = node.node
    return {
        "namespace": node.namespace,
        "dataset": row.name if row else "",
        "field": row.part if row else "",
    }
