"""The ways by which a version may come to a store now, each with the replica it begins at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalog.models import Version
from catalog.selectors import product_resource
from governance.engine.entities import RECONCILER, Action, Situation
from governance.services import decide
from movement.engine.mesh import Mesh
from movement.engine.routes import Judge, Route, routes
from movement.models import Replica, ReplicaState, Store, TransferState

_GIVEN_UP = (TransferState.FAILED, TransferState.CANCELLED)


@dataclass(frozen=True)
class Way:
    """A route, and the replica at its begin."""

    replica: Replica
    route: Route


def replicas_elsewhere(version: Version, target: Store) -> list[Replica]:
    """Return the complete replicas of a version in other stores, whatever their stores are like."""
    found = version.replicas.filter(state=ReplicaState.COMPLETE).exclude(store=target)
    return list(found.select_related("version__product", "store__site").order_by("store__name"))


def ways_to(
    version: Version,
    target: Store,
    mesh: Mesh,
    replicas: Sequence[Replica],
    load: Mapping[str, int] | None = None,
) -> list[Way]:
    """Return the ways from these replicas that are open now, the best first."""
    held = {replica.store.name: replica for replica in replicas}
    found = routes(
        mesh, held, target.name, version.bytes, version.files, _judge_of(version, mesh), load
    )
    return [Way(held[route.source], route) for route in found]


def _judge_of(version: Version, mesh: Mesh) -> Judge:
    """Return who says whether a version may stop at a store: the one decision, as for a copy.

    A store where a copy of it failed or was called off waits for a person.
    """
    resource = product_resource(version.product)

    def judge(name: str) -> bool:
        site = mesh.stores[name].site
        situation = Situation(site=site.name, jurisdictions=frozenset(site.jurisdictions))
        if not decide(RECONCILER, Action.REPLICATE, resource, situation).allow:
            return False
        return not version.transfers.filter(target__name=name, state__in=_GIVEN_UP).exists()

    return judge
