"""What lineage keeps of an erased version: a node without content, and its past.

The node stays, blank. Its edges stay live while something that was made from it still holds
content: labels go on flowing along them, and a later order on what the version itself was made
from still finds its way through. Once nothing is left below, the edges are closed; a question
*as of* an earlier day finds them for ever. Events stay as they were sent: names and no rows.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from core.names import Name
from lineage.engine.datasets import mesh_namespace
from lineage.engine.facts import COLUMN_FLOW, FLOW, NodeKey, NodeKind
from lineage.models import Edge, Node
from lineage.reach import ancestors_of, reach
from lineage.services import become_the_writer

ERASED = {"erased": True}


@transaction.atomic
def close_version(version: str, *, last: bool) -> int:
    """Blank the node of an erased version; return how many edges could be closed with it.

    With `last` nothing of its product is left, so the product and its columns are blanked as well.
    Again changes nothing.
    """
    become_the_writer()
    nodes = _nodes(version, last)
    Node.objects.filter(pk__in=[node.pk for node in nodes]).update(
        attrs=ERASED, title="", updated_at=timezone.now()
    )
    above = [name for name in ancestors_of(version) if _is_erased(name)]
    return sum(_close_if_barren(name, last and name == version) for name in [version, *above])


def _nodes(version: str, whole: bool) -> list[Node]:
    name, own = Name.parse(version), mesh_namespace(settings.FAIRMESH.mesh)
    product = str(name.product_name)
    keys = [NodeKey(NodeKind.VERSION, own, product, f"v={name.version}")]
    if whole:
        keys.append(NodeKey(NodeKind.DATASET, own, product))
    found = list(Node.objects.filter(key__in=[key.digest for key in keys]))
    if whole:
        found += Node.objects.filter(kind=NodeKind.COLUMN, namespace=own, name=product)
    return found


def _is_erased(version: str) -> bool:
    nodes = [node for node in _nodes(version, False) if node.kind == NodeKind.VERSION]
    return any(node.attrs == ERASED for node in nodes)


def _close_if_barren(version: str, whole: bool) -> int:
    below = reach([version])
    if below.products or below.elsewhere or not all(map(_is_erased, below.versions)):
        return 0
    return _close(_nodes(version, whole))


def _close(nodes: Sequence[Node]) -> int:
    ids = [node.pk for node in nodes]
    closed = 0
    for start in range(0, len(ids), 400):
        some = ids[start : start + 400]
        ends = Q(src__in=some) | Q(dst__in=some)
        live = Edge.objects.live().filter(ends, kind__in=(*FLOW, *COLUMN_FLOW))
        closed += live.update(valid_to=timezone.now())
    return closed
