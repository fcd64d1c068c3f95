"""How far the content of some versions has gone, whoever asks: for what must reach all of it.

Nothing here is redacted. A caller tells its own caller no more than they may know of.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models import QuerySet

from core.names import Name
from lineage.engine.datasets import mesh_namespace, products_in
from lineage.engine.facts import COLUMN_FLOW, FLOW, NodeKey, NodeKind
from lineage.engine.search import Bounds, Direction, Found, search
from lineage.models import Edge, Node
from lineage.selectors import neighbours

BOUNDS = Bounds(depth=100, limit=20_000, visits=20_000)


@dataclass(frozen=True, slots=True)
class Reach:
    """What was made from some versions, by today's names."""

    versions: dict[str, int]
    """Version → steps from the nearest of those asked for."""
    products: dict[str, int]
    """Products that lineage ties to one asked for without saying which version of it they read."""
    elsewhere: list[tuple[str, str]]
    """Datasets outside the mesh, as (namespace, name)."""
    masked: frozenset[str]
    """Products into which columns flow through masking steps alone."""
    truncated: bool
    """True when there is more than one answer can hold."""


def reach(versions: Iterable[str]) -> Reach:
    """Return everything downstream of `versions` on the live graph. At most five searches."""
    asked = {str(name): name for name in map(Name.parse, versions)}
    products = {str(name.product_name) for name in asked.values()}
    sealed = [_version_key(name) for name in asked.values()]
    datasets = [NodeKey(NodeKind.DATASET, _own(), product) for product in products]
    exact, loose = _down(_ids(sealed)), _down(_ids(datasets))
    others = Node.objects.filter(kind=NodeKind.VERSION, namespace=_own(), name__in=products)
    known = _products(_down(list(others.values_list("pk", flat=True))))
    rows = Node.objects.in_bulk([*exact.distances, *loose.distances])
    return Reach(
        versions={
            rows[pk].node_key.label: distance
            for pk, distance in exact.distances.items()
            if _is(rows[pk], NodeKind.VERSION) and rows[pk].node_key.label not in asked
        },
        products={
            rows[pk].name: distance
            for pk, distance in loose.distances.items()
            if _is(rows[pk], NodeKind.DATASET) and rows[pk].name not in known | products
        },
        elsewhere=sorted({place for row in rows.values() if (place := _outside(row, products))}),
        masked=_masked(products),
        truncated=exact.truncated or loose.truncated,
    )


def ancestors_of(version: str) -> list[str]:
    """Return the versions of the mesh that `version` was made from, the nearest first."""
    name = Name.parse(version)
    roots = _ids([_version_key(name)])
    if not roots:
        return []
    hops = neighbours(Edge.objects.live().filter(kind__in=FLOW), roots, BOUNDS.visits)
    found = search(roots, hops, Direction.UP, BOUNDS)
    rows = Node.objects.in_bulk(list(found.distances))
    above = (rows[pk] for pk in found.distances if pk not in roots)
    return [row.node_key.label for row in above if _is(row, NodeKind.VERSION)]


def _own() -> str:
    return mesh_namespace(settings.FAIRMESH.mesh)


def _version_key(name: Name) -> NodeKey:
    return NodeKey(NodeKind.VERSION, _own(), str(name.product_name), f"v={name.version}")


def _ids(keys: Sequence[NodeKey]) -> list[int]:
    found: list[int] = []
    for start in range(0, len(keys), 400):
        digests = [key.digest for key in keys[start : start + 400]]
        nodes = Node.objects.filter(key__in=digests).values_list("pk", "alias_of")
        found += [alias or pk for pk, alias in nodes]
    return found


def _is(node: Node, kind: NodeKind) -> bool:
    return node.kind == kind and node.namespace == _own()


def _down(roots: list[int], edges: QuerySet[Edge] | None = None) -> Found:
    if not roots:
        return Found({}, 0, exhausted=True)
    live = Edge.objects.live().filter(kind__in=FLOW) if edges is None else edges
    hops = neighbours(live, roots, BOUNDS.visits)
    return search(roots, hops, Direction.DOWN, BOUNDS)


def _products(found: Found) -> set[str]:
    rows = Node.objects.filter(pk__in=list(found.distances), kind=NodeKind.VERSION)
    return set(rows.values_list("name", flat=True))


def _outside(node: Node, products: set[str]) -> tuple[str, str] | None:
    """Return a dataset that is not of the mesh, unless it is our own copy of what is asked for."""
    if node.kind != NodeKind.DATASET or node.namespace == _own():
        return None
    copies = products.intersection(products_in(node.namespace, node.name, _own()))
    return None if copies else (node.namespace, node.name)


def _masked(products: set[str]) -> frozenset[str]:
    """Return the products whose every column that comes from `products` was masked on the way."""
    columns = Node.objects.filter(kind=NodeKind.COLUMN, namespace=_own(), name__in=products)
    roots = list(columns.values_list("pk", flat=True)[: BOUNDS.limit])
    edges = Edge.objects.live().filter(kind__in=COLUMN_FLOW)
    reached, bare = (
        set(
            Node.objects.filter(pk__in=list(_down(roots, some).distances), namespace=_own())
            .exclude(pk__in=roots)
            .values_list("name", flat=True)
        )
        for some in (edges, edges.filter(masking=False))
    )
    return frozenset(reached - bare - products)
