"""Reads of movement. A row is seen only by who may discover its product."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from catalog.models import Version, VersionState
from catalog.selectors import find_product, product_resource, version_of, visible_versions
from core.errors import NotFound
from core.names import Name
from governance import resources
from governance.engine.entities import MESH, Action, Decision, Principal, Resource, Situation
from governance.services import decide, require
from governance.services.obligations import require_read
from movement.engine.distance import Place, rank
from movement.engine.placement import SITE_ORDER
from movement.models import Link, Replica, ReplicaState, Site, SiteState, Store, Transfer

UNREACHABLE_SITES = frozenset({SiteState.OFFLINE, SiteState.LOST})


def is_operator(principal: Principal) -> bool:
    """Say whether the principal runs the mesh, and so may see where stores listen."""
    return decide(principal, Action.ADMINISTER, MESH).allow


def sites(principal: Principal) -> QuerySet[Site]:
    require(principal, Action.DISCOVER, MESH)
    return Site.objects.annotate(stores_count=Count("stores"))


def site_named(principal: Principal, name: str) -> Site:
    """Return the site; raise NotFound."""
    site = sites(principal).filter(name=name).first()
    if site is None:
        raise NotFound(f"There is no site {name!r}.")
    return site


def links(principal: Principal) -> QuerySet[Link]:
    """Return what is declared of the ways between sites, and measured on them: for operators."""
    require(principal, Action.ADMINISTER, MESH)
    return Link.objects.select_related("source", "target")


def stores(principal: Principal) -> QuerySet[Store]:
    """Return the stores, each with how many complete replicas the principal may know of."""
    require(principal, Action.DISCOVER, MESH)
    known = Q(
        replicas__state=ReplicaState.COMPLETE, replicas__version__in=visible_versions(principal)
    )
    return Store.objects.select_related("site").annotate(
        replicas_count=Count("replicas", filter=known)
    )


def visible_replicas(principal: Principal) -> QuerySet[Replica]:
    return Replica.objects.filter(version__in=visible_versions(principal)).select_related(
        "version__product", "store__site"
    )


def visible_transfers(principal: Principal) -> QuerySet[Transfer]:
    return Transfer.objects.filter(version__in=visible_versions(principal)).select_related(
        "version__product", "target", "source"
    )


def transfer_by_id(principal: Principal, transfer_id: UUID) -> Transfer:
    transfer = visible_transfers(principal).filter(pk=transfer_id).first()
    if transfer is None:
        raise NotFound("There is no such transfer, or you may not know of it.")
    return transfer


def of_version(asked: str) -> Q:
    """Return the filter for rows of one version, asked for by its id or its name."""
    try:
        return Q(version=UUID(asked))
    except ValueError:
        product, _, number = asked.partition("/v=")
        known = number.isascii() and number.isdigit() and len(number) < 10
        if not known:
            return Q(pk__in=[])
        return Q(version__product__name=product, version__number=int(number))


def place_of(site: Site) -> Place:
    return Place(site.name, tuple(site.jurisdictions))


def preference(replica: Replica, here: Place) -> tuple[bool, bool, bool, tuple[int, int], int, str]:
    """Return a key that sorts replicas, the best for somebody at `here` first."""
    site = replica.store.site
    return (
        site.state in UNREACHABLE_SITES,
        not replica.store.reachable,
        site.state != SiteState.ONLINE,
        rank(here, place_of(site)),
        SITE_ORDER[site.kind],
        replica.store.name,
    )


def situation_at(purpose: str, site: str) -> Situation:
    """Return the situation of somebody who reads for `purpose` at `site`; both may be empty."""
    known = Site.objects.filter(name=site).first() if site else None
    jurisdictions = frozenset(known.jurisdictions) if known else frozenset[str]()
    return Situation(purpose, known.name if known else "", jurisdictions)


@dataclass(frozen=True)
class Readable:
    """A published version that a principal may read, with what the decision keeps them to."""

    version: Version
    resource: Resource
    decision: Decision


def readable_named(principal: Principal, name: Name, situation: Situation) -> Readable:
    """Return the version that a product, version or file name stands for.

    Raises NotFound when it is hidden or absent, PolicyDenied, PurposeRequired, Gone.
    """
    product = find_product(name) if name.product is not None else None
    if product is None:
        raise resources.absent(str(name.product_name))
    resource = replace(product_resource(product), asked=str(name.product_name))
    decision = require_read(principal, resource, situation)
    return Readable(version_of(product, name.version), resource, decision)


def readable_version(principal: Principal, version_id: UUID, situation: Situation) -> Readable:
    """Return a published version by its id; raise as `readable_named` does."""
    version = (
        Version.objects.select_related("product__domain__team")
        .filter(pk=version_id)
        .exclude(state=VersionState.DRAFT)
        .first()
    )
    if version is None:
        raise resources.absent(str(version_id))
    resource = replace(product_resource(version.product), asked=str(version_id))
    decision = require_read(principal, resource, situation)
    return Readable(version_of(version.product, version.number), resource, decision)


def replica_at(version: Version, store: str = "") -> Replica:
    """Return the complete replica at the named store, or at the best one; raise NotFound.

    Nothing is read from a store in quarantine.
    """
    replicas = version.replicas.filter(
        state=ReplicaState.COMPLETE, store__quarantined_at__isnull=True
    ).select_related("store__site")
    if store:
        replicas = replicas.filter(store__name=store)
    best = min(replicas, key=lambda replica: preference(replica, Place()), default=None)
    if best is None:
        where = f" at {store}" if store else ""
        raise NotFound(f"There is no complete replica of {version.name}{where}.")
    return best
