"""Finds what a policy document contradicts, with the products that would suffer.

Two policies meet wherever one's scope lies within the other's, whether or not a product is there
yet. Policies with labels of their own meet on a product that carries both: that is looked for
among the products that whoever saves may know of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.errors import InvalidSpec
from core.names import is_under
from governance import inventory, resources, sites
from governance.engine import naming
from governance.engine.contradictions import Contradiction, Severity, contradictions
from governance.engine.documents import Document
from governance.engine.entities import Action, Principal
from governance.engine.service_policies import Event
from governance.standing import Index, Standing, in_force, plan, replaced, requirement

MAX_NAMED = 20

_Judge = Callable[[Sequence[Standing]], list[Contradiction]]


@dataclass(slots=True)
class Finding:
    """One contradiction, and the products on which it stands."""

    what: Contradiction
    everywhere: bool
    """True when it holds by the scopes alone."""
    products: set[str] = field(default_factory=set)

    def as_json(self) -> dict[str, Any]:
        return {
            "where": self.what.where,
            "message": self.what.message,
            "severity": str(self.what.severity),
            "policies": list(self.what.policies),
            "products": sorted(self.products)[:MAX_NAMED],
            "count": len(self.products),
        }


def refuse_contradictions(actor: Principal, document: Document) -> list[dict[str, Any]]:
    """Raise InvalidSpec when the document contradicts others or itself; return the warnings."""
    found = find(actor, document)
    errors = [each for each in found if each.what.severity is Severity.ERROR]
    if errors:
        told = " ".join(each.what.message for each in errors)
        raise InvalidSpec(
            f"The policy contradicts others: {told}", errors=[each.as_json() for each in errors]
        )
    return [each.as_json() for each in found]


def find(actor: Principal, document: Document) -> list[Finding]:
    """Return every contradiction in which the document takes part."""
    mine = Standing.of(document)
    policies = replaced(in_force(document.kind), document.id, mine)
    judge = _judge_of(document)
    found: dict[str, Finding] = {}
    for together in _meeting(mine, policies):
        _note(found, judge(together), document.id, everywhere=True)
    _note_products(found, mine, policies, judge)
    _keep_known(actor, found)
    return [found[message] for message in sorted(found)]


def _judge_of(document: Document) -> _Judge:
    places = sites.known()
    if document.kind == "protection":
        return lambda together: contradictions(requirement(together), places)
    return _naming if document.kind == "naming" else _circles


def _circles(together: Sequence[Standing]) -> list[Contradiction]:
    found = []
    for event in Event:
        circle = plan(together, event)[1]
        if circle:
            by = tuple(policy.slug for policy in together)
            told = f"On {event}, {', '.join(circle)} wait for each other."
            found.append(Contradiction(Severity.ERROR, f"spec.on.{event}", told, by))
    return found


def _naming(together: Sequence[Standing]) -> list[Contradiction]:
    rules = naming.merge(naming.from_spec(p.slug, p.prefix, p.spec) for p in together)
    return naming.contradictions(rules)


def _meeting(mine: Standing, policies: Sequence[Standing]) -> Iterable[list[Standing]]:
    """Yield each set of policies that bind some name together with mine, by their scopes alone."""
    near = [
        policy
        for policy in policies
        if is_under(policy.prefix, mine.prefix) or is_under(mine.prefix, policy.prefix)
    ]
    seen: set[tuple[str, ...]] = set()
    for least in near:
        together = [policy for policy in near if policy.covers_all_of(least)]
        key = tuple(policy.slug for policy in together)
        if mine in together and key not in seen:
            seen.add(key)
            yield together


def _note(
    found: dict[str, Finding],
    listed: Iterable[Contradiction],
    slug: str,
    *,
    everywhere: bool,
    product: str | None = None,
) -> None:
    for each in listed:
        if slug in each.policies:
            finding = found.setdefault(each.message, Finding(each, everywhere))
            if product is not None:
                finding.products.add(product)


def _note_products(
    found: dict[str, Finding], mine: Standing, policies: Sequence[Standing], judge: _Judge
) -> None:
    index = Index(policies)
    judged: dict[tuple[str, ...], list[Contradiction]] = {}
    for product in inventory.products_below(mine.prefix):
        if not mine.labels <= product.labels:
            continue
        together = index.applying(product.name, product.labels)
        key = tuple(policy.slug for policy in together)
        if key not in judged:
            judged[key] = judge(together)
        _note(found, judged[key], mine.slug, everywhere=False, product=product.name)


def _keep_known(actor: Principal, found: dict[str, Finding]) -> None:
    """Forget the products that the actor may not know of, and what stands on those alone."""
    names = set().union(*(finding.products for finding in found.values()))
    known = resources.visible_names(actor, Action.DISCOVER, names) if names else set()
    for message, finding in list(found.items()):
        finding.products &= known
        if not finding.everywhere and not finding.products:
            del found[message]
