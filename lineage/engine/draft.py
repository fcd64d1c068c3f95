"""The draft of an interpretation: collects nodes and edges while an event is read."""

from __future__ import annotations

from collections.abc import Callable

from lineage.engine.datasets import DatasetRef, mesh_namespace
from lineage.engine.facts import (
    EdgeFact,
    EdgeKey,
    EdgeKind,
    NodeDetail,
    NodeKey,
    NodeKind,
    Origin,
)
from lineage.engine.reading import MAX_NAME, MAX_NAMESPACE, OddEvent, as_name

MAX_EDGES = 20_000
"""Most edges of one event; what lies beyond is left out with a warning."""
MAX_WARNINGS = 20

_PLAIN = EdgeFact()


class Draft:
    """Grows while an event is read. Every node of every edge is among its nodes."""

    def __init__(self, mesh: str, origin: Origin) -> None:
        self.namespace = mesh_namespace(mesh)
        self.origin = origin
        self.job: NodeKey | None = None
        self.run: NodeKey | None = None
        self.nodes: dict[NodeKey, NodeDetail] = {}
        self.edges: dict[EdgeKey, EdgeFact] = {}
        self.aliases: dict[NodeKey, NodeKey] = {}
        self.targets: set[NodeKey] = set()
        self.explained: set[NodeKey] = set()
        """Datasets whose sources the event tells one by one."""
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        if len(self.warnings) < MAX_WARNINGS:
            self.warnings.append(message)

    def tolerate(self, read: Callable[[], None]) -> None:
        """Run `read`; when it meets something odd, note it and go on without that part."""
        try:
            read()
        except OddEvent as error:
            self.warn(f"Left out: {error}")

    def node(self, key: NodeKey, detail: NodeDetail | None = None) -> NodeKey:
        known = self.nodes.get(key, NodeDetail())
        told = detail or NodeDetail()
        self.nodes[key] = NodeDetail(told.title or known.title, {**known.attrs, **told.attrs})
        return key

    def edge(self, src: NodeKey, dst: NodeKey, kind: EdgeKind, fact: EdgeFact = _PLAIN) -> None:
        """Add an edge; a node never feeds itself."""
        if src == dst:
            return
        key = EdgeKey(src, dst, kind, self.origin)
        if key not in self.edges and len(self.edges) >= MAX_EDGES:
            self.warn(f"Left out: the edges beyond {MAX_EDGES:,}.")
            return
        self.node(src)
        self.node(dst)
        known = self.edges.get(key)
        self.edges[key] = known.merged(fact) if known else fact

    def dataset(self, ref: DatasetRef) -> None:
        """Add a dataset and, when known, its version."""
        self.node(ref.dataset)
        if ref.version is not None:
            self.edge(ref.version, ref.dataset, EdgeKind.VERSION_OF)

    def feed(self, src: DatasetRef, dst: DatasetRef, fact: EdgeFact) -> None:
        """Say that one dataset is derived from another, and so are the versions when known."""
        self.dataset(src)
        self.edge(src.dataset, dst.dataset, EdgeKind.DERIVES, fact)
        if src.version is not None and dst.version is not None:
            self.edge(src.version, dst.version, EdgeKind.DERIVES, fact)

    def job_key(self, namespace: object, name: object, where: str) -> NodeKey:
        """Return a job's key. Whoever speaks of our jobs must be allowed to, so it is a target."""
        key = NodeKey(
            NodeKind.JOB,
            as_name(namespace, f"{where}.namespace", MAX_NAMESPACE),
            as_name(name, f"{where}.name", MAX_NAME),
        )
        self.targets.add(key)
        return self.node(key)

    def column(self, dataset: NodeKey, name: str) -> NodeKey:
        return NodeKey(NodeKind.COLUMN, dataset.namespace, dataset.name, name)

    def alias(self, other: NodeKey, dataset: NodeKey) -> None:
        """Say that `other` is one more name of `dataset`; a name of ours is always the real one."""
        if other == dataset:
            return
        if other.namespace == self.namespace:
            if dataset.namespace == self.namespace:
                raise OddEvent("symlinks between two products of this mesh are not followed.")
            other, dataset = dataset, other
        self.targets.update({other, dataset})
        self.node(other)
        self.node(dataset)
        self.aliases[other] = dataset
