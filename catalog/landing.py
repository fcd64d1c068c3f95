"""The reads behind landing pages: a name and a reader in, the facts that the reader may know out.

No second door: every product and version comes from catalog.selectors, after the decision. What
is hidden and what does not exist raise one and the same NotFound, about the name as it was asked
for; an old name of a hidden product must not tell the new one.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from catalog import selectors
from catalog.engine import landing as facts
from catalog.models import Domain, Product, Version, VersionAlias, VersionState
from core.errors import NotFound
from core.names import Name
from core.seal import Envelope
from governance import denials
from governance.engine.entities import Action, Principal
from governance.selectors import labels_of
from governance.services import anchor_key, decide, delegations_for

FILES_SHOWN = 100
VERSIONS_SHOWN = 100
ENTRIES_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Moved:
    """The product has another name now; the answer is a permanent redirect."""

    name: Name


def absent(name: str) -> NotFound:
    """Return the one answer for what does not exist and what the reader may not know of."""
    return NotFound(f"There is no {name}, or you may not know of it.", name=name)


def page_of(principal: Principal, name: Name) -> facts.Page | Moved:
    """Return the page of a domain, product, version or file; raise NotFound."""
    if name.product is None:
        return _domain_page(principal, name)
    product = _product(principal, name)
    if product.name != str(name.product_name):
        current = Name.parse(product.name)
        return Moved(replace(name, domain=current.domain, product=current.product))
    about = _product_facts(principal, product)
    if name.version is None:
        return _product_page(principal, product, about)
    version = _versions(principal, product).filter(number=name.version).first()
    if version is None:
        raise absent(str(name))
    page = _version_page(principal, version, about)
    return page if name.path is None or page.removed else _file_page(page, version, name)


def version_named(principal: Principal, product_name: Name, alias: str) -> Name:
    """Return the version at which `latest` or `stable` points now; raise NotFound."""
    asked = f"{product_name}/{alias}"
    product = _product(principal, product_name, asked)
    pointers = VersionAlias.objects.filter(product=product, alias=alias)
    number = pointers.values_list("version__number", flat=True).first()
    if number is None:
        raise absent(asked)
    return Name.parse(product.name).with_version(number)


def name_of_ark(principal: Principal, opaque: str, number: int | None, asked: str) -> Name:
    """Return the name that the ARK of a product, or of a version of it, stands for."""
    product = selectors.visible_products(principal).filter(ark=opaque).first()
    if product is None:
        raise absent(asked)
    name = Name.parse(product.name)
    if number is None:
        return name
    if not _versions(principal, product).filter(number=number).exists():
        raise absent(asked)
    return name.with_version(number)


def trust_document(principal: Principal, mesh: str) -> dict[str, Any]:
    """Return the anchor, with the delegations of those domains that the reader may know of."""
    anchor = anchor_key()
    domains = selectors.visible_domains(principal).values_list("name", flat=True)
    homes = selectors.visible_products(principal).values_list("domain__name", flat=True)
    places = {*domains, *homes.distinct()}
    known = places | {_top(name) for name in places}
    return {
        "mesh": mesh,
        "anchor": {"keyid": anchor.key_id, "public": anchor.public},
        "delegations": [
            statement for statement in delegations_for() if _payload(statement)["prefix"] in known
        ],
    }


def _top(name: str) -> str:
    return "/" + name.split("/")[1]


def _product(principal: Principal, name: Name, asked: str = "") -> Product:
    try:
        return selectors.product_for(principal, Action.DISCOVER, name)
    except NotFound as error:
        denials.record_if_denied(error)
        raise absent(asked or str(name)) from None


def _versions(principal: Principal, product: Product) -> Any:
    """Return what was published of a product, removed versions too; never a draft."""
    seen = selectors.visible_versions(principal).filter(product=product)
    return seen.exclude(state=VersionState.DRAFT).prefetch_related("aliases").order_by("-number")


def _product_facts(principal: Principal, product: Product) -> facts.ProductFacts:
    resource = selectors.product_resource(product)
    return facts.ProductFacts(
        name=product.name,
        ark=product.ark,
        title=product.title,
        description=product.description,
        keywords=tuple(product.keywords),
        license=product.license,
        intended_use=product.intended_use,
        visibility=product.visibility,
        access=product.access,
        lifecycle=product.lifecycle,
        domain=product.domain.name,
        team=product.domain.team.title or product.domain.team.slug,
        labels=tuple(facts.LabelFact(row.label, row.column) for row in labels_of(product.name)),
        created_at=product.created_at,
        updated_at=product.updated_at,
        may_read=decide(principal, Action.READ, resource).allow,
    )


def _product_page(
    principal: Principal, product: Product, about: facts.ProductFacts
) -> facts.ProductPage:
    versions = _versions(principal, product)
    shown = versions.defer("envelope", "schema")[:VERSIONS_SHOWN]
    return facts.ProductPage(
        product=about,
        versions=tuple(_line(version, product) for version in shown),
        more_versions=max(versions.count() - VERSIONS_SHOWN, 0),
    )


def _line(version: Version, product: Product) -> facts.VersionLine:
    assert version.published_at is not None  # the constraint published_is_sealed
    return facts.VersionLine(
        number=version.number,
        name=f"{product.name}/v={version.number}",
        semver=version.semver,
        files=version.files,
        bytes=version.bytes,
        rows=version.rows,
        digest=version.digest,
        published_at=version.published_at,
        removed=version.state == VersionState.TOMBSTONED,
        aliases=tuple(sorted(row.alias for row in version.aliases.all())),
    )


def _version_page(
    principal: Principal, version: Version, about: facts.ProductFacts
) -> facts.VersionPage:
    header = _payload(version.envelope)
    line = _line(version, version.product)
    inputs, hidden = _known_inputs(principal, version)
    listed = () if line.removed else selectors.manifest_entries(version)
    return facts.VersionPage(
        product=about,
        id=str(version.pk),
        number=version.number,
        name=line.name,
        semver=version.semver,
        files=version.files,
        bytes=version.bytes,
        rows=version.rows,
        digest=version.digest,
        manifest=version.root,
        license=header["license"] or "",
        publisher=header["publisher"],
        published_at=line.published_at,
        labels=tuple(version.labels),
        columns=tuple(
            facts.ColumnFact(row["name"], row["type"], row["nullable"]) for row in version.schema
        ),
        inputs=inputs,
        hidden_inputs=hidden,
        aliases=line.aliases,
        **_neighbours(principal, version),
        listed=tuple(_file_facts(entry) for entry in islice(listed, FILES_SHOWN)),
        removed=_removal(version),
    )


def _neighbours(principal: Principal, version: Version) -> dict[str, str]:
    """Return the names of the versions before and after, and of the latest one, '' for none."""
    siblings = _versions(principal, version.product).prefetch_related(None)
    numbers = siblings.values_list("number", flat=True)
    found = {
        "previous": numbers.filter(number__lt=version.number).first(),
        "next": numbers.filter(number__gt=version.number).order_by("number").first(),
        "latest": numbers.filter(state=VersionState.PUBLISHED).first(),
    }
    product = version.product.name
    return {step: f"{product}/v={number}" if number else "" for step, number in found.items()}


def _known_inputs(
    principal: Principal, version: Version
) -> tuple[tuple[facts.InputFact, ...], int]:
    """Return the inputs that the reader may know of, and how many there are besides."""
    seen = selectors.known_inputs(principal, [version])
    known = tuple(
        facts.InputFact(row["name"], row["digest"]) for row in version.inputs if row["name"] in seen
    )
    return known, len(version.inputs) - len(known)


def _removal(version: Version) -> facts.Removal | None:
    if version.tombstoned_at is None:
        return None
    return facts.Removal(version.tombstone_reason, version.tombstoned_at)


def _file_page(page: facts.VersionPage, version: Version, name: Name) -> facts.FilePage:
    try:
        entry = selectors.manifest_entry(version, name.path or "")
    except NotFound:
        raise absent(str(name)) from None
    return facts.FilePage(page, str(name), _file_facts(entry))


def _file_facts(entry: Any) -> facts.FileFacts:
    return facts.FileFacts(entry.path, entry.bytes, entry.sha256, entry.media_type, entry.rows)


def _domain_page(principal: Principal, name: Name) -> facts.DomainPage:
    seen = selectors.visible_domains(principal)
    domain = seen.select_related("team").filter(name=str(name)).first()
    if domain is None:
        raise absent(str(name))
    products = selectors.visible_products(principal).filter(domain=domain).order_by("name")
    above = [str(Name(name.domain[:depth])) for depth in range(1, len(name.domain))]
    return facts.DomainPage(
        name=domain.name,
        title=domain.title,
        description=domain.description,
        team=domain.team.title or domain.team.slug,
        parents=tuple(above),
        domains=tuple(_entries(seen.filter(parent=domain).order_by("name"))),
        products=tuple(_entries(products)),
        more_products=max(products.count() - ENTRIES_SHOWN, 0),
    )


def _entries(rows: Any) -> Iterator[facts.Entry]:
    found: Iterable[Domain | Product] = rows[:ENTRIES_SHOWN]
    for row in found:
        yield facts.Entry(row.name, row.title, row.description)


def _payload(envelope: Envelope | None) -> dict[str, Any]:
    """Return what an envelope of our own says; whoever trusts less verifies it."""
    payload: dict[str, Any] = json.loads(base64.b64decode((envelope or {})["payload"]))
    return payload
