"""Domains and products: found, described, moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from license_expression import ExpressionError

from catalog import search
from catalog.engine.licenses import spdx
from catalog.models import LIFECYCLE_MOVES, Domain, Port, PortDirection, Product, ProductAlias
from catalog.selectors import domain_resource, product_by_id, product_resource
from core import outbox
from core.errors import Conflict, Invalid, NotFound
from core.names import Name
from governance import audit
from governance.engine.entities import MESH, Action, Principal
from governance.models import Team
from governance.services import naming, rename, require

EDITABLE = frozenset(
    {"title", "description", "keywords", "license", "intended_use", "visibility", "access",
     "lifecycle"}
)  # fmt: skip


@transaction.atomic
def create_domain(
    actor: Principal, *, name: str, title: str, team: str, description: str = ""
) -> Domain:
    """Found a domain. Operators found the first level; owners found what lies below theirs."""
    parsed = Name.parse(name)
    if parsed.kind != "domain":
        raise Invalid(f"{name!r} is not the name of a domain.", name=name)
    parent = None
    if len(parsed.domain) > 1:
        above = str(Name(parsed.domain[:-1]))
        parent = Domain.objects.select_related("team").filter(name=above).first()
        if parent is None:
            raise NotFound(f"Found the domain {above} first.", name=above)
    scope = MESH if parent is None else domain_resource(parent)
    decision = require(actor, Action.PUBLISH, scope)
    owner = Team.objects.filter(slug=team).first()
    if owner is None:
        raise NotFound(f"There is no team {team!r}.")
    naming.check_domain_name(parsed, team)
    if Domain.objects.filter(name=name).exists():
        raise Conflict(f"There is already a domain {name}.", name=name)
    domain = Domain.objects.create(
        name=name, parent=parent, team=owner, title=title, description=description
    )
    audit.record(actor, "create-domain", name, decision, team=team)
    return domain


@transaction.atomic
def create_product(actor: Principal, *, name: str, title: str, **fields: Any) -> Product:
    """Register a data product in its domain; `fields` are those of EDITABLE."""
    parsed = Name.parse(name)
    if parsed.kind != "product":
        raise Invalid(f"{name!r} is not the name of a product; write /domain/~/product.", name=name)
    above = str(parsed.domain_name)
    domain = Domain.objects.select_related("team").filter(name=above).first()
    if domain is None:
        raise NotFound(f"There is no domain {above}.", name=above)
    decision = require(actor, Action.PUBLISH, domain_resource(domain))
    checked = _checked(fields)
    naming.check_product_name(actor, parsed, keywords=checked.get("keywords", ()))
    if ProductAlias.objects.filter(name=name).exists():
        raise Conflict(f"{name} is the old name of a product, and stays so for ever.", name=name)
    try:
        with transaction.atomic():
            product = Product.objects.create(domain=domain, name=name, title=title, **checked)
    except IntegrityError as error:
        raise Conflict(f"There is already a product {name}.", name=name) from error
    Port.objects.create(
        product=product, direction=PortDirection.OUTPUT, name="files", protocol="fairmesh"
    )
    search.index_product(product)
    audit.record(actor, "create-product", name, decision)
    outbox.emit("product.created", {"name": name})
    return product


@transaction.atomic
def update_product(actor: Principal, product_id: UUID, changes: Mapping[str, Any]) -> Product:
    """Change what a product says of itself; the next decision and search see it."""
    locked = Product.objects.select_for_update(of=("self",)).select_related("domain__team")
    product = locked.get(pk=product_by_id(actor, Action.WRITE, product_id).pk)
    resource = product_resource(product)
    decision = require(actor, Action.WRITE, resource)
    checked = _checked(changes, since=product.lifecycle)
    naming.check_keywords(product.name, resource.labels, checked.get("keywords", ()))
    for field, value in checked.items():
        setattr(product, field, value)
    product.save(update_fields=[*checked, "updated_at"])
    search.index_product(product)
    audit.record(actor, "update-product", product.name, decision, fields=sorted(checked))
    outbox.emit("product.updated", {"name": product.name})
    return product


@transaction.atomic
def move_product(actor: Principal, product_id: UUID, new_name: str) -> Product:
    """Give a product another name; every old one goes on answering as an alias."""
    product = product_by_id(actor, Action.ADMINISTER, product_id)
    parsed = Name.parse(new_name)
    domain = (
        Domain.objects.select_related("team").filter(name=str(parsed.domain_name)).first()
        if parsed.kind == "product"
        else None
    )
    if domain is None:
        raise Invalid(f"{new_name!r} does not name a product in a domain of this mesh.")
    decision = require(actor, Action.PUBLISH, domain_resource(domain))
    labels = product_resource(product).labels
    naming.check_product_name(actor, parsed, labels=labels, keywords=product.keywords)
    if (
        Product.objects.filter(name=new_name).exists()
        or ProductAlias.objects.filter(name=new_name).exclude(product=product).exists()
    ):
        raise Conflict(f"The name {new_name} is taken.", name=new_name)
    old_name = product.name
    ProductAlias.objects.filter(name=new_name, product=product).delete()
    ProductAlias.objects.create(name=old_name, product=product)
    product.name, product.domain = new_name, domain
    product.save(update_fields=["name", "domain", "updated_at"])
    rename(old_name, new_name)
    search.index_product(product)
    audit.record(actor, "move-product", old_name, decision, to=new_name)
    outbox.emit("product.moved", {"name": new_name, "from": old_name})
    return product


def _checked(fields: Mapping[str, Any], since: str | None = None) -> dict[str, Any]:
    unknown = set(fields) - EDITABLE
    if unknown:
        raise Invalid(f"A product has no {', '.join(sorted(unknown))}.")
    if fields.get("license"):
        _check_license(fields["license"])
    target = fields.get("lifecycle")
    if target is not None and since is not None and target != since:
        allowed = LIFECYCLE_MOVES[since]
        if target not in allowed:
            raise Conflict(
                f"A product that is {since} cannot become {target}; it can become "
                f"{', '.join(sorted(allowed)) or 'nothing else'}."
            )
    return dict(fields)


def _check_license(expression: str) -> None:
    """Raise Invalid unless the text is an SPDX expression (a LicenseRef- is one)."""
    try:
        parsed = spdx().parse(expression)
    except ExpressionError as error:
        raise Invalid(f"{expression!r} is not an SPDX licence expression: {error}") from error
    unknown = [
        str(key)
        for key in spdx().unknown_license_keys(parsed)
        if not str(key).startswith("LicenseRef-")
    ]
    if unknown:
        raise Invalid(
            f"SPDX knows no licence {', '.join(unknown)}; use a known one or LicenseRef-….",
            unknown=unknown,
        )
