"""What lineage tells a simulation: which products were made from some, through any step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings

from lineage.engine.datasets import mesh_namespace
from lineage.engine.facts import FLOW, NodeKind
from lineage.engine.search import Bounds, Direction, search
from lineage.models import Edge, Node
from lineage.selectors import neighbours

BOUNDS = Bounds(depth=20, limit=5_000, visits=20_000)
_AT_ONCE = 400
_PRODUCTS = (NodeKind.VERSION, NodeKind.DATASET)


def derived(names: frozenset[str]) -> Iterator[dict[str, Any]]:
    """Yield the products downstream of these, each once, the nearest first."""
    ours = Node.objects.filter(namespace=mesh_namespace(settings.FAIRMESH.mesh), kind__in=_PRODUCTS)
    listed, roots = sorted(names), []
    for start in range(0, len(listed), _AT_ONCE):
        some = ours.filter(name__in=listed[start : start + _AT_ONCE])
        roots += list(some.values_list("pk", flat=True))
    if not roots:
        return
    hops = neighbours(Edge.objects.live().filter(kind__in=FLOW), roots, BOUNDS.visits)
    found = search(roots, hops, Direction.DOWN, BOUNDS).distances
    seen = set(names)
    rows = dict(ours.filter(pk__in=list(found)).values_list("pk", "name"))
    for pk in sorted(rows, key=lambda pk: (found[pk], rows[pk])):
        if rows[pk] not in seen:
            seen.add(rows[pk])
            yield {"name": rows[pk], "steps": found[pk]}
