"""Labels along the graph: what a product inherits, recomputed for all that lies downstream.

What is upstream of the change is taken as it stands; below it every inherited label is derived
anew from the labels that stand by themselves, so a label does not keep itself alive in a circle.
See docs/explanation/algorithms/labels.md.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from django.conf import settings
from django.db import transaction

from governance.services.inheritance import settle_product
from lineage.engine.datasets import mesh_namespace
from lineage.engine.facts import FLOW, NodeKey, NodeKind
from lineage.engine.search import Bounds, Direction, search
from lineage.label_flow import PLACES, Neighbourhood
from lineage.models import Edge, Node
from lineage.selectors import neighbours
from lineage.services import become_the_writer

BOUNDS = Bounds(depth=1_000, limit=20_000, visits=20_000)
logger = logging.getLogger(__name__)


def settle_products(names: Iterable[str]) -> int:
    """Settle the products and everything made from them; return how many changed."""
    own = mesh_namespace(settings.FAIRMESH.mesh)
    keys = [NodeKey(NodeKind.DATASET, own, name).digest for name in names]
    found = Node.objects.filter(key__in=keys).values_list("pk", "alias_of")
    return settle_labels(alias or pk for pk, alias in found)


@transaction.atomic
def settle_labels(roots: Iterable[int]) -> int:
    """Have the datasets `roots`, and all downstream of them, inherit what the graph says now.

    One writer at a time, the one of the graph, so that what is read here is what the last one
    wrote. Again changes nothing. Cost: the edges downstream, in a few queries a chunk of nodes.
    """
    become_the_writer()
    affected = _downstream(sorted(set(roots)))
    if not affected:
        return 0
    around = Neighbourhood(affected)
    return sum(settle_product(name, whole) for name, whole in around.settled())


def _downstream(roots: list[int]) -> list[Node]:
    if not roots:
        return []
    edges = Edge.objects.live().filter(kind__in=FLOW)
    found = search(roots, neighbours(edges, roots, BOUNDS.visits), Direction.DOWN, BOUNDS)
    if found.truncated:
        logger.warning(
            "labels reach further than one round: %d of %d", len(found.distances), found.total
        )
    nodes = Node.objects.in_bulk(list(found.distances))
    return [node for node in nodes.values() if node.kind in PLACES]
