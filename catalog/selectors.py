"""Reads of the catalog. Every one starts from what the principal may see."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db.models import Count, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from catalog.models import (
    Contract,
    Domain,
    ManifestShard,
    Port,
    PortDirection,
    Product,
    ProductAlias,
    Version,
    VersionAlias,
    VersionState,
)
from core.digests import Digest
from core.errors import Gone, NotFound
from core.manifest import FileEntry, read_shard
from core.names import Name
from core.seal import stated_name
from governance import resources
from governance.engine.entities import Action, Principal, Resource, Situation
from governance.pushdown import Fields
from governance.selectors import label_names_of, protection_of, visible
from governance.services import decide, require


def product_fields(prefix: str = "") -> Fields:
    """Return where a table keeps what policies say of products; `prefix` leads to the product."""

    def owned(teams: Sequence[str]) -> Q:
        domains = Domain.objects.filter(team__slug__in=teams)
        return Q(**{f"{prefix}domain__in": domains.values("pk")})

    kept = ("name", "visibility", "access", "lifecycle")
    return Fields(
        type="Product",
        name=f"{prefix}name",
        columns={attribute: prefix + attribute for attribute in kept},
        owned=owned,
    )


PRODUCT_FIELDS = product_fields()
DOMAIN_FIELDS = Fields(
    type="Domain",
    name="name",
    columns={"team": "team__slug"},
    owned=lambda teams: Q(team__slug__in=teams),
)
LATEST = "latest"


def visible_domains(principal: Principal) -> QuerySet[Domain]:
    return Domain.objects.filter(visible(principal, Action.DISCOVER, DOMAIN_FIELDS))


def visible_products(principal: Principal, action: Action = Action.DISCOVER) -> QuerySet[Product]:
    return Product.objects.filter(visible(principal, action, PRODUCT_FIELDS))


def with_parts(products: QuerySet[Product]) -> QuerySet[Product]:
    """Fetch what the list form of a product shows, in a fixed number of queries."""
    latest = (
        VersionAlias.objects.filter(alias=LATEST)
        .select_related("version__product")
        .prefetch_related("version__aliases")
    )
    # counted row by row: a join would group every visible product for a page of fifty
    published = (
        Version.objects.filter(product=OuterRef("pk"), state=VersionState.PUBLISHED)
        .order_by()
        .values("product")
        .annotate(count=Count("pk"))
    )
    return (
        products.select_related("domain__team")
        .prefetch_related(
            "ports", "aliases", Prefetch("version_aliases", latest, to_attr="latest_aliases")
        )
        .annotate(versions_count=Coalesce(Subquery(published.values("count")), 0))
    )


def product_resource(product: Product) -> Resource:
    """Return what decisions see of a product."""
    labels = frozenset(label_names_of(product.name))
    requirement = protection_of(product.name, labels)
    return Resource(
        type="Product",
        name=product.name,
        team=product.domain.team.slug,
        visibility=product.visibility,
        access=product.access,
        lifecycle=product.lifecycle,
        labels=labels,
        bound=requirement.residency is not None,
        residency=requirement.residency or frozenset(),
        bound_by=requirement.residency_by,
        never=requirement.never_sites,
        never_by=tuple(sorted({policy for _, policy in requirement.never_by})),
    )


def domain_resource(domain: Domain) -> Resource:
    return Resource("Domain", domain.name, team=domain.team.slug)


def find_product(name: Name) -> Product | None:
    """Return the product of that name, old or new, whoever asks; rules are the caller's."""
    products = Product.objects.select_related("domain__team")
    found = products.filter(name=str(name.product_name)).first()
    if found is None:
        alias = ProductAlias.objects.filter(name=str(name.product_name)).first()
        found = None if alias is None else products.get(pk=alias.product_id)
    return found


def load_product(name: Name) -> Resource | None:
    product = find_product(name)
    return None if product is None else product_resource(product)


def load_domain(name: Name) -> Resource | None:
    domain = Domain.objects.select_related("team").filter(name=str(name)).first()
    return None if domain is None else domain_resource(domain)


def visible_names(principal: Principal, action: Action, names: Iterable[str]) -> set[str]:
    """Return those of the product names on which the principal may act."""
    wanted = list(set(names))
    found: set[str] = set()
    for start in range(0, len(wanted), 500):
        rows = visible_products(principal, action).filter(name__in=wanted[start : start + 500])
        found.update(rows.values_list("name", flat=True))
    return found


def output_ports(name: str) -> set[str]:
    """Return the names of a product's output ports, whoever asks."""
    ports = Port.objects.filter(product__name=name, direction=PortDirection.OUTPUT)
    return set(ports.values_list("name", flat=True))


def product_names(claims: Sequence[resources.Claim], after: str, limit: int) -> list[str]:
    """Return the next names of products for which every claim holds."""
    return list(_names(Product.objects.all(), PRODUCT_FIELDS, claims, after)[:limit])


def domain_names(claims: Sequence[resources.Claim], after: str, limit: int) -> list[str]:
    """Return the next names of domains for which every claim holds."""
    return list(_names(Domain.objects.all(), DOMAIN_FIELDS, claims, after)[:limit])


def _names(
    rows: QuerySet[Any], fields: Fields, claims: Sequence[resources.Claim], after: str
) -> QuerySet[Any, str]:
    for principal, action, situation in claims:
        rows = rows.filter(visible(principal, action, fields, situation))
    return rows.filter(name__gt=after).order_by("name").values_list("name", flat=True)


def known_inputs(principal: Principal, versions: Iterable[Version]) -> set[str]:
    """Return the names of the versions' inputs of whose products the principal may know."""
    products = {
        each["name"]: str(Name.parse(each["name"]).product_name)
        for version in versions
        for each in version.inputs
    }
    seen = visible_names(principal, Action.DISCOVER, products.values()) if products else set()
    return {name for name, product in products.items() if product in seen}


def product_for(
    principal: Principal,
    action: Action,
    name: Name | str,
    situation: Situation | None = None,
) -> Product:
    """Return the product when the principal may do `action` on it; raise as `require` does."""
    parsed = name if isinstance(name, Name) else Name.parse(name)
    product = find_product(parsed) if parsed.product is not None else None
    return _required(principal, action, product, str(parsed.product_name), situation)


def contract_of(principal: Principal, product_id: UUID) -> Contract:
    """Return the newest contract of a product that one may discover; raise NotFound."""
    product = product_by_id(principal, Action.DISCOVER, product_id)
    found = product.contracts.order_by("-revision").first()
    if found is None:
        raise NotFound(f"{product.name} has no contract yet.", name=product.name)
    return found


def product_by_id(principal: Principal, action: Action, product_id: UUID) -> Product:
    product = Product.objects.select_related("domain__team").filter(pk=product_id).first()
    return _required(principal, action, product, str(product_id), None)


def _required(
    principal: Principal,
    action: Action,
    product: Product | None,
    asked: str,
    situation: Situation | None,
) -> Product:
    if product is None:
        raise resources.absent(asked)
    resource = replace(product_resource(product), asked=asked)
    require(principal, action, resource, situation or Situation())
    return product


def visible_versions(principal: Principal) -> QuerySet[Version]:
    """Published and removed versions of visible products; drafts are their writers' alone."""
    discovered = visible_products(principal)
    written = visible_products(principal, Action.WRITE)
    return Version.objects.filter(
        Q(product__in=discovered) & (~Q(state=VersionState.DRAFT) | Q(product__in=written))
    ).select_related("product__domain__team")


def version_by_id(principal: Principal, action: Action, version_id: UUID) -> Version:
    """Return a version when the principal may do `action` on its product."""
    version = Version.objects.select_related("product__domain__team").filter(pk=version_id).first()
    if version is None:
        raise resources.absent(str(version_id))
    resource = replace(product_resource(version.product), asked=str(version_id))
    if version.state == VersionState.DRAFT and not decide(principal, Action.WRITE, resource).allow:
        raise resources.absent(str(version_id))
    require(principal, action, resource)
    return version


def of_name(name: str, prefix: str = "") -> Q:
    """Match the product called `name` now or before; `prefix` leads from the table to it."""
    old = ProductAlias.objects.filter(name=name).values("product")
    return Q(**{f"{prefix}name": name}) | Q(**{f"{prefix}pk__in": old})


def version_of(product: Product, number: int | None, alias: str = LATEST) -> Version:
    """Return the published version of that number or alias; raise NotFound or Gone (410)."""
    versions = Version.objects.select_related("product__domain__team").filter(product=product)
    if number is None:
        pointer = VersionAlias.objects.filter(product=product, alias=alias).first()
        found = None if pointer is None else versions.get(pk=pointer.version_id)
    else:
        found = versions.filter(number=number).exclude(state=VersionState.DRAFT).first()
    if found is None:
        asked = f"v={number}" if number is not None else alias
        raise NotFound(f"{product.name} has no published version {asked}.", name=product.name)
    if found.state == VersionState.TOMBSTONED:
        raise Gone(
            f"{found.name} was removed: {found.tombstone_reason}",
            name=found.name,
            id=str(found.pk),
            reason=found.tombstone_reason,
            digest=found.digest,
            published_at=found.published_at and found.published_at.isoformat(),
            removed_at=found.tombstoned_at and found.tombstoned_at.isoformat(),
        )
    return found


def named_version(
    principal: Principal, action: Action, name: Name, *, situation: Situation | None = None
) -> Version:
    """Return the version that a product, version or file name stands for."""
    return version_of(product_for(principal, action, name, situation), name.version)


def seal_names(version: Version) -> list[str]:
    """Return by whose names a version may be sealed: its product's now, and when it was sealed."""
    sealed = [] if version.envelope is None else [stated_name(version.envelope)]
    return [version.product.name, *sealed]


def manifest_entries(version: Version, after: str = "", prefix: str = "") -> Iterator[FileEntry]:
    """Yield the files of a published version in path order, beyond `after`, below `prefix`.

    Reads one shard at a time, beginning with the one that can hold the first answer.
    """
    start = max(after.encode(), prefix.encode())
    heads = list(version.shards.order_by("index").values_list("index", "first_path"))
    first = bisect.bisect_right([path.encode() for _, path in heads], start) - 1
    for index, _ in heads[max(first, 0) :]:
        shard = ManifestShard.objects.get(version=version, index=index)
        for entry in read_shard(bytes(shard.data), Digest(shard.digest)):
            path = entry.path.encode()
            if path <= after.encode() or path < prefix.encode():
                continue
            if not entry.path.startswith(prefix):
                return
            yield entry


def manifest_entry(version: Version, path: str) -> FileEntry:
    """Return one file of a published version; raise NotFound."""
    found = next(manifest_entries(version, prefix=path), None)
    if found is None or found.path != path:
        raise NotFound(f"{version.name} has no file {path!r}.", name=version.name, path=path)
    return found
