"""Which nodes a principal may know by name, and which not at all. Part of `selectors`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Q
from django.utils.crypto import salted_hmac

from governance.engine.entities import Action, Principal
from governance.resources import visible_names
from governance.standing import omitted_from_lineage
from lineage.engine.datasets import mesh_namespace, products_in
from lineage.engine.facts import NodeKind
from lineage.models import Edge, Node

MAX_TOUCHED = 20_000
"""Most datasets looked at to judge the jobs of one answer; beyond, the jobs stay hidden."""

_ACTORS = frozenset({NodeKind.JOB, NodeKind.RUN})
Touched = dict[int, set[tuple[str, str]]]


def hidden_id(node: Node) -> str:
    """Return the same opaque id for the same node at all times; it tells nothing of the node."""
    return (
        f"hidden:{salted_hmac('lineage.node', str(node.pk), algorithm='sha256').hexdigest()[:24]}"
    )


@dataclass(frozen=True, slots=True)
class Sight:
    """What of some nodes one principal may see, by their ids."""

    known: set[int]
    """Those whose name they may see."""
    omitted: set[int]
    """Those that they are not to see at all; any other is redacted."""


def may_know(principal: Principal, nodes: Sequence[Node]) -> set[int]:
    """Return the ids of those nodes whose name `principal` may see."""
    return sight_of(principal, nodes).known


def sight_of(principal: Principal, nodes: Sequence[Node]) -> Sight:
    """Return which of the nodes `principal` may know, and which a policy has left out.

    A product, its versions and columns: who may discover it. A dataset elsewhere: members, and
    when its name holds a product of ours (an object key does) only who may discover that. A job
    or a run: who may discover everything it ever touched, since its name may tell of any of it.
    One question to governance, whatever the number of nodes.
    """
    own = mesh_namespace(settings.FAIRMESH.mesh)
    actors = [node.pk for node in nodes if node.kind in _ACTORS]
    touched = _touched(actors)
    named = {node.pk: {(node.namespace, node.name)} for node in nodes if node.kind not in _ACTORS}
    asked = {
        product
        for places in [*named.values(), *(touched or {}).values()]
        for namespace, name in places
        for product in products_in(namespace, name, own)
    }
    visible = visible_names(principal, Action.DISCOVER, asked) if asked else set()
    member = "members" in principal.groups

    def open_place(place: tuple[str, str]) -> bool:
        products = products_in(*place, own)
        if not products:
            return member
        return not visible.isdisjoint(products) and (member or place[0] == own)

    known = {pk for pk, places in named.items() if all(map(open_place, places))}
    if touched is not None:
        known |= {
            node.pk
            for node in nodes
            if node.kind in _ACTORS
            and (member or node.namespace == own)
            and all(map(open_place, touched.get(node.pk, ())))
        }
    told = {**(touched or {}), **named}
    hidden = {node.pk: told.get(node.pk, set()) for node in nodes}
    secret = {
        pk: {product for place in places for product in products_in(*place, own)} - visible
        for pk, places in hidden.items()
        if pk not in known
    }
    gone = omitted_from_lineage(set().union(*secret.values())) if secret else set()
    return Sight(known, {pk for pk, products in secret.items() if products & gone})


def _touched(actors: Sequence[int]) -> Touched | None:
    """Return the datasets that each job or run ever touched; None when there are too many."""
    if not actors:
        return {}
    ends = ("src_id", "dst_id", "via_job_id", "src__namespace", "src__name", "src__kind")
    rows = Edge.objects.filter(
        Q(src_id__in=actors) | Q(dst_id__in=actors) | Q(via_job_id__in=actors)
    ).values_list(*ends, "dst__namespace", "dst__name", "dst__kind")[: MAX_TOUCHED + 1]
    touched: Touched = {pk: set() for pk in actors}
    found = list(rows)
    for src, dst, via, *named in found:
        places = set(_places(named))
        for pk in {src, dst, via} & touched.keys():
            touched[pk] |= places
    return None if len(found) > MAX_TOUCHED else touched


def _places(named: Sequence[str]) -> Iterable[tuple[str, str]]:
    for namespace, name, kind in (named[:3], named[3:]):
        if kind not in _ACTORS:
            yield namespace, name
