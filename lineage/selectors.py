"""Reads of the lineage graph. Every answer is bounded, and what the caller may not know of is
redacted: the shape of the graph stays true, the name does not leave the house."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Q, QuerySet

from core.errors import Invalid, InvalidName, NotFound
from core.names import Name
from governance.engine.entities import Action, Principal
from governance.resources import visible_names
from governance.standing import omission_in_force
from lineage.engine.datasets import mesh_namespace
from lineage.engine.facts import COLUMN_FLOW, FLOW, EdgeKind, NodeKey, NodeKind
from lineage.engine.search import Bounds, Direction, Found, Hop, Neighbours, search
from lineage.models import Edge, Node
from lineage.redaction import hidden_id, may_know, sight_of

MAX_DEPTH = 20
MAX_NODES = 500
MAX_EDGES = 5000
"""Most edges among the nodes of one answer."""
_CHUNK = 400


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A node as the caller may see it; a redacted one keeps its kind and distance only."""

    id: str
    kind: str
    namespace: str
    name: str
    title: str
    redacted: bool
    distance: int
    node: Node | None
    """The row; None when redacted or when nothing was recorded yet."""


@dataclass(frozen=True, slots=True)
class GraphEdge:
    source: str
    target: str
    kind: str
    origin: str
    direct: bool


@dataclass(frozen=True, slots=True)
class Graph:
    root: str
    nodes: list[GraphNode]
    edges: list[GraphEdge]
    total: int
    truncated: bool


@dataclass(frozen=True, slots=True)
class Question:
    """How far to look, and at which moment (None: now)."""

    direction: Direction = Direction.BOTH
    depth: int = 3
    limit: int = 150
    as_of: datetime | None = None

    def bounds(self) -> Bounds:
        return Bounds(min(self.depth, MAX_DEPTH), min(self.limit, MAX_NODES))


def graph(principal: Principal, ref: str, question: Question) -> Graph:
    """Return what is around `ref`: a name (`/acme/~/wiki`) or a node id (`job:airflow:daily`).

    A product's graph is of products, datasets and jobs; a version's of versions and runs; a
    column's of columns. Raises NotFound for what is absent and, alike, for what is hidden.
    """
    root = find(principal, ref)
    if isinstance(root, NodeKey):
        return _nothing_recorded(root)
    kinds = COLUMN_FLOW if root.kind == NodeKind.COLUMN else FLOW
    return around(principal, [root], kinds, question)


def find(principal: Principal, ref: str) -> Node | NodeKey:
    """Return the node of `ref`, or the key of a product that has no lineage yet."""
    keys = _keys_of(ref)
    nodes = Node.objects.filter(key__in=[key.digest for key in keys]).select_related("alias_of")
    for node in sorted(nodes, key=lambda each: each.pk):
        real = node.alias_of or node
        # Of a product's earlier name governance knows no more; the caller gave it anyway.
        asked = [real] if node.namespace == _own() else [node, real]
        if len(may_know(principal, asked)) == len({each.pk for each in asked}):
            return real
    for key in keys:
        own = key.kind is NodeKind.DATASET and key.namespace == _own()
        if own and not nodes and visible_names(principal, Action.DISCOVER, [key.name]):
            return key
    raise NotFound(f"There is no lineage of {ref}, or you may not know of it.")


def _own() -> str:
    return mesh_namespace(settings.FAIRMESH.mesh)


def _keys_of(ref: str) -> list[NodeKey]:
    """Return every node that `ref` can mean: a namespace and a name may both hold colons."""
    if ref.startswith("/"):
        return [_key_of_name(ref)]
    parts = ref.split(":")
    kinds = {"datasetField": NodeKind.COLUMN}
    try:
        kind = kinds.get(parts[0]) or NodeKind(parts[0])
    except ValueError as error:
        raise Invalid(
            "A node is written as kind:namespace:name, as in dataset:fairmesh://demo:/acme/~/wiki."
        ) from error
    return [
        key
        for at in range(2, len(parts))
        for key in _spellings(kind, ":".join(parts[1:at]), ":".join(parts[at:]), parts[0])
    ]


def _key_of_name(text: str) -> NodeKey:
    name = Name.parse(text)
    if name.product is None:
        raise InvalidName(f"{text!r} is a domain; lineage is of products and versions.", name=text)
    product = str(name.product_name)
    if name.version is None:
        return NodeKey(NodeKind.DATASET, _own(), product)
    return NodeKey(NodeKind.VERSION, _own(), product, f"v={name.version}")


def _spellings(kind: NodeKind, namespace: str, label: str, word: str) -> list[NodeKey]:
    marks = {NodeKind.COLUMN: ":" if word == "datasetField" else "#", NodeKind.VERSION: "@"}
    mark = marks.get(kind)
    if kind is NodeKind.VERSION and namespace == _own():
        mark = "/"
    if mark is None:
        return [NodeKey(kind, namespace, label)]
    name, found, part = label.rpartition(mark)
    return [NodeKey(kind, namespace, name, part)] if found else []


def around(
    principal: Principal, roots: Sequence[Node], kinds: Sequence[EdgeKind], question: Question
) -> Graph:
    """Return the graph around `roots` over edges of `kinds`, redacted for `principal`."""
    bounds = question.bounds()
    edges = _edges(kinds, question.as_of)
    ids = [root.pk for root in roots]
    hops = _seen_by(principal, neighbours(edges, ids, bounds.visits))
    found = search(ids, hops, question.direction, bounds)
    return _render(principal, roots[0], found, edges)


def _edges(kinds: Sequence[EdgeKind], as_of: datetime | None) -> QuerySet[Edge]:
    edges = Edge.objects.filter(kind__in=kinds)
    if as_of is None:
        return edges.filter(valid_to__isnull=True)
    return edges.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=as_of), valid_from__lte=as_of)


def neighbours(edges: QuerySet[Edge], roots: Sequence[int], most: int) -> Neighbours:
    """Return the question a search asks: the hops of one level, in one query a chunk of nodes.

    An explained `produces` edge is not walked through: the `derives` edges tell more exactly.
    Upward its job is still shown, as the one that did it.
    """

    def down(some: Sequence[int]) -> list[Hop]:
        through = Q(explained=False) | Q(src_id__in=roots)
        rows = edges.filter(through, src_id__in=some).order_by("dst_id")
        return [Hop(dst) for dst in rows.values_list("dst_id", flat=True).distinct()[:most]]

    def up(some: Sequence[int]) -> list[Hop]:
        rows = edges.filter(dst_id__in=some).order_by("src_id", "explained")
        pairs = rows.values_list("src_id", "explained").distinct()[:most]
        return [Hop(src, onward=not explained) for src, explained in pairs]

    ways: dict[Direction, Callable[[Sequence[int]], list[Hop]]] = {
        Direction.DOWN: down,
        Direction.UP: up,
    }

    def hops(ids: Sequence[int], way: Direction) -> Iterable[Hop]:
        for start in range(0, len(ids), _CHUNK):
            yield from ways[way](ids[start : start + _CHUNK])

    return hops


def _seen_by(principal: Principal, neighbours: Neighbours) -> Neighbours:
    """Leave out the nodes that a policy has left out: nothing is walked through them or counted."""

    def hops(ids: Sequence[int], way: Direction) -> Iterable[Hop]:
        found = list(neighbours(ids, way))
        rows = Node.objects.in_bulk(list({hop.target for hop in found}))
        omitted = sight_of(principal, list(rows.values())).omitted
        return [hop for hop in found if hop.target not in omitted]

    return hops if omission_in_force() else neighbours


def _render(principal: Principal, root: Node, found: Found, edges: QuerySet[Edge]) -> Graph:
    rows = Node.objects.in_bulk(list(found.distances))
    known = may_know(principal, list(rows.values()))
    shown = {
        pk: _shown(rows[pk], distance, pk in known) for pk, distance in found.distances.items()
    }
    among = edges.filter(src_id__in=list(shown), dst_id__in=list(shown)).order_by(
        "src_id", "dst_id", "kind", "origin"
    )
    drawn = list(among[: MAX_EDGES + 1])
    return Graph(
        root=shown[root.pk].id,
        nodes=list(shown.values()),
        edges=[
            GraphEdge(shown[e.src_id].id, shown[e.dst_id].id, e.kind, e.origin, e.direct)
            for e in drawn[:MAX_EDGES]
        ],
        total=found.total,
        truncated=found.truncated or len(drawn) > MAX_EDGES,
    )


def _shown(node: Node, distance: int, known: bool) -> GraphNode:
    if not known:
        return GraphNode(hidden_id(node), node.kind, "", "", "", True, distance, None)
    key = node.node_key
    title = node.title or key.label
    return GraphNode(key.node_id, key.kind, key.namespace, key.label, title, False, distance, node)


def _nothing_recorded(key: NodeKey) -> Graph:
    root = GraphNode(key.node_id, key.kind, key.namespace, key.label, key.label, False, 0, None)
    return Graph(root.id, [root], [], total=1, truncated=False)


def column_graph(principal: Principal, ref: str, question: Question) -> Graph:
    """Return the graph of the columns of a dataset, or of one column; empty when none is known."""
    root = find(principal, ref)
    if isinstance(root, NodeKey):
        return Graph(root.node_id, [], [], total=0, truncated=False)
    roots = [root]
    if root.kind != NodeKind.COLUMN:
        columns = Node.objects.filter(
            Q(outgoing__kind=EdgeKind.COLUMN_DERIVES) | Q(incoming__kind=EdgeKind.COLUMN_DERIVES),
            kind=NodeKind.COLUMN,
            namespace=root.namespace,
            name=root.name,
        )
        roots = list(columns.distinct().order_by("pk")[:MAX_NODES])
    if not roots:
        return Graph(root.node_key.node_id, [], [], total=0, truncated=False)
    return around(principal, roots, COLUMN_FLOW, question)
