"""The plan of an erasure: everything that it would reach, and what becomes of each. Writes nothing.

The stored plan names all; `orders.shown_plan` tells a reader no more than they may know of.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from django.utils import timezone

from catalog.models import Posting, Product, Version, VersionState
from core.canonical import canonical_digest
from core.names import Name
from governance.holds import Hold, holds_on
from governance.models import Cascade, Registered
from governance.retention import Retention, retention_of
from governance.selectors import label_names_of
from lineage.reach import Reach, reach
from movement.engine.erasing import Case, Does, Relation, Verdict, judge
from movement.models import ACTIVE, Replica, ReplicaOrigin, ReplicaState, Transfer
from movement.remains import remains_of

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What an order is about."""

    name: str
    cascade: str = Cascade.NONE
    registered: str = Registered.KEEP


def subject_versions(name: str) -> QuerySet[Version]:
    """Return the versions at or below `name` that have bytes, drafts left out.

    A version that was tombstoned by hand still has its bytes, and is one of them.
    """
    parsed = Name.parse(name)
    if parsed.product is None:
        found = Q(product__name__startswith=f"{name}/")
    else:
        found = Q(product__name=str(parsed.product_name))
    if parsed.version is not None:
        found &= Q(number=parsed.version)
    lying = Replica.objects.exclude(state=ReplicaState.DELETED).values("version")
    left = Q(state=VersionState.PUBLISHED) | Q(state=VersionState.TOMBSTONED, pk__in=lying)
    return _with_places(Version.objects.filter(found & left)).order_by("product__name", "number")


def drafts_of(name: str) -> QuerySet[Version]:
    """Return the drafts below a domain or product: uploads that nobody has finished."""
    parsed = Name.parse(name)
    if parsed.version is not None:
        return Version.objects.none()
    found = Q(product__name=name) if parsed.product else Q(product__name__startswith=f"{name}/")
    drafts = Version.objects.filter(found, state=VersionState.DRAFT)
    unowned = drafts.exclude(replicas__origin=ReplicaOrigin.RUN)  # a run removes its own
    return _with_places(unowned).order_by("product__name", "number")


def _with_places(versions: QuerySet[Version]) -> QuerySet[Version]:
    lying = Replica.objects.exclude(state=ReplicaState.DELETED).select_related("store__site")
    moving = Transfer.objects.filter(state__in=ACTIVE).select_related("target")
    return versions.select_related("product__domain__team").prefetch_related(
        Prefetch("replicas", lying), Prefetch("transfers", moving)
    )


def reached_products(asked: Asked) -> set[str]:
    """Return the products whose owners have a say in an order like this."""
    versions = [*subject_versions(asked.name), *drafts_of(asked.name)]
    products = {version.product.name for version in versions}
    if asked.cascade == Cascade.DERIVED:
        found = reach([each.name for each in versions if each.state != VersionState.DRAFT])
        products |= {str(Name.parse(name).product_name) for name in found.versions}
    return products


def build_plan(asked: Asked, agreed: Collection[str]) -> Json:
    """Return the plan as JSON. `agreed` are the products whose owners want or allow it."""
    return _Planner(asked, agreed, timezone.now()).plan()


def digest_of(plan: Mapping[str, Any]) -> str:
    """Return what stands for the choice that was made: which versions go, which stay.

    One that is blocked counts as one that goes: lifting a hold makes no other plan of it.
    """
    going = {Does.ERASE, Does.BLOCK}
    chosen = sorted([row["version_id"], row["does"] in going] for row in plan["versions"])
    drafts = sorted(row["version_id"] for row in plan["drafts"] if row["does"] == Does.ERASE)
    return canonical_digest([chosen, drafts])


class _Planner:
    """Asks about each product once."""

    def __init__(self, asked: Asked, agreed: Collection[str], now: datetime) -> None:
        self._asked, self._agreed, self._now = asked, agreed, now
        self._retention: dict[str, Retention] = {}
        self._labels: dict[str, set[str]] = {}

    def plan(self) -> Json:
        subjects = list(subject_versions(self._asked.name))
        found = reach([version.name for version in subjects])
        derived = _derived(found, {version.pk for version in subjects})
        carried = {label for each in subjects for label in self._labels_of(each.product.name)}
        rows = [self._row(each, Relation.SUBJECT, 0) for each in subjects]
        for version in derived:
            row = self._row(version, Relation.DERIVED, found.versions[version.name])
            row["masked"] = version.product.name in found.masked
            row["lowered"] = sorted(carried - self._labels_of(version.product.name))
            rows.append(row)
        drafts = [self._draft(each) for each in drafts_of(self._asked.name)]
        return {
            "versions": rows,
            "drafts": drafts,
            "uncertain": _uncertain(found),
            "elsewhere": [{"namespace": space, "name": name} for space, name in found.elsewhere],
            "blocks": [block for row in rows for block in row["blocks"] if row["does"] == "block"],
            "truncated": found.truncated,
            "totals": _totals(rows),
        }

    def _row(self, version: Version, relation: Relation, distance: int) -> Json:
        holds, until = holds_on(version.name), self._kept_until(version)
        verdict = self._judge(version.product, relation, holds, until)
        erased = verdict.does is Does.ERASE
        return {
            "version": version.name,
            "version_id": str(version.pk),
            "digest": version.digest,
            "product": version.product.name,
            "team": version.product.domain.team.slug,
            "relation": str(relation),
            "distance": distance,
            "masked": False,
            "lowered": [],
            "does": str(verdict.does),
            "reason_code": verdict.code,
            "blocks": _blocks(version.name, holds, until, self._now),
            "files": version.files,
            "bytes": version.bytes,
            "replicas": [self._replica(each, version) for each in version.replicas.all()],
            "transfers": [
                {"id": str(each.pk), "target": each.target.name, "state": each.state}
                for each in version.transfers.all()
            ],
            "remains": [{**asdict(each), "kind": str(each.kind)} for each in remains_of(version)]
            if erased
            else [],
            "index_rows": Posting.objects.filter(product=version.product).count() if erased else 0,
        }

    def _judge(
        self,
        product: Product,
        relation: Relation,
        holds: tuple[Hold, ...],
        until: datetime | None,
    ) -> Verdict:
        case = Case(
            relation=relation,
            cascade=self._asked.cascade == Cascade.DERIVED,
            agreed=product.name in self._agreed,
            held=bool(holds),
            kept_until=until,
        )
        return judge(case, self._now)

    def _replica(self, replica: Replica, version: Version) -> Json:
        keeps = (
            replica.origin == ReplicaOrigin.REGISTERED and self._asked.registered == Registered.KEEP
        )
        return {
            "store": replica.store.name,
            "site": replica.store.site.name,
            "origin": replica.origin,
            "state": replica.state,
            "files": version.files,
            "bytes": version.bytes,
            "does": str(Does.KEEP if keeps else Does.ERASE),
            "reason_code": "registered_in_place" if keeps else "",
        }

    def _draft(self, version: Version) -> Json:
        verdict = self._judge(version.product, Relation.SUBJECT, holds_on(version.name), None)
        erased = verdict.does is Does.ERASE
        return {
            "version": version.name,
            "version_id": str(version.pk),
            "product": version.product.name,
            "does": str(verdict.does if erased else Does.KEEP),
            "reason_code": verdict.code,
            "stores": sorted(each.store.name for each in version.replicas.all()),
        }

    def _kept_until(self, version: Version) -> datetime | None:
        bounds = self._retention.get(version.product.name)
        if bounds is None:
            bounds = self._retention[version.product.name] = retention_of(version.product.name)
        if not bounds.at_least_days or version.published_at is None:
            return None
        return bounds.kept_until(version.published_at)

    def _labels_of(self, product: str) -> set[str]:
        if product not in self._labels:
            self._labels[product] = set(label_names_of(product))
        return self._labels[product]


def _derived(found: Reach, subjects: Collection[object]) -> list[Version]:
    """Return the versions that were made from the subjects and still stand, nearest first."""
    by_product: dict[str, set[int]] = {}
    for name in map(Name.parse, found.versions):
        by_product.setdefault(str(name.product_name), set()).add(name.version or 0)
    rows: list[Version] = []
    for product, numbers in by_product.items():
        standing = Version.objects.filter(product__name=product, state=VersionState.PUBLISHED)
        rows += [v for v in _with_places(standing) if v.number in numbers and v.pk not in subjects]
    return sorted(rows, key=lambda version: (found.versions[version.name], version.name))


def _uncertain(found: Reach) -> list[Json]:
    """Products tied to the subject by what others reported, which never told a version."""
    known = Product.objects.filter(name__in=list(found.products)).select_related("domain__team")
    return [
        {"product": product.name, "team": product.domain.team.slug, "reason_code": "no_version"}
        for product in known.order_by("name")
    ]


def _blocks(name: str, holds: Iterable[Hold], until: datetime | None, now: datetime) -> list[Json]:
    found: list[Json] = [
        {"version": name, "kind": "hold", "name": hold.name, "reference": hold.reference}
        for hold in holds
    ]
    if until is not None and until > now:
        found.append({"version": name, "kind": "retention", "until": until.isoformat()})
    return found


def _totals(rows: Iterable[Mapping[str, Any]]) -> Json:
    erased = [row for row in rows if row["does"] == Does.ERASE]
    lying = [each for row in erased for each in row["replicas"] if each["does"] == Does.ERASE]
    return {
        "versions": len(erased),
        "replicas": len(lying),
        "files": sum(each["files"] for each in lying),
        "bytes": sum(each["bytes"] for each in lying),
    }
