"""Simulating a change of a YAML policy on every product below it that the actor may know of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

from core.names import Name
from governance import inventory, pipelines, resources, simulations
from governance.engine import documents, naming
from governance.engine.entities import Action, Principal, Resource
from governance.engine.naming import Description, NamingRules
from governance.engine.protection import Requirement
from governance.engine.service_policies import SCAN, Event
from governance.models import Policy, PolicyState
from governance.standing import (
    Index,
    Standing,
    in_force,
    pipelines_asked,
    plan,
    replaced,
    requirement,
    scan_left_out,
)

MAX_PLANNED = 500
"""Plans are made for so many products; of the rest it is only said that something changes."""

Value = TypeVar("Value")


class _Both:
    """The policies of a kind before and after, and which of them apply to a product."""

    def __init__(self, policy: Policy) -> None:
        before = in_force(policy.kind)
        after = replaced(before, policy.slug, Standing.of(documents.parse(policy.text)))
        self._all = [*before, *after]
        self._sides = Index(before), Index(after)

    def pipelines(self) -> set[str]:
        """Return the pipelines that any of them names."""
        return {each.pipeline for each in pipelines_asked(self._all)}

    def applying(self, product: Resource) -> tuple[list[Standing], list[Standing]]:
        before, after = (side.applying(product.name, product.labels) for side in self._sides)
        return before, after


class _Once(Generic[Value]):
    """Makes a value once for each set of policies: most products share theirs with others."""

    def __init__(self, make: Callable[[Sequence[Standing]], Value]) -> None:
        self._make = make
        self._made: dict[tuple[int, ...], Value] = {}

    def __call__(self, policies: Sequence[Standing]) -> Value:
        key = tuple(map(id, policies))
        if key not in self._made:
            self._made[key] = self._make(policies)
        return self._made[key]


def document_changes(actor: Principal, policy: Policy, *, names: int) -> dict[str, Any]:
    """Return what this version of a policy would change, were it in force."""
    simulate = {
        "protection": _protection,
        "naming": _naming,
        "services": _services,
    }[policy.kind]
    return simulate(actor, policy, names)


def _prefixes(policy: Policy) -> list[str]:
    """Return the scopes of the version in force and of the new one, the wider first."""
    standing = Policy.objects.filter(slug=policy.slug, state=PolicyState.ACTIVE).first()
    return sorted({policy.prefix, *([standing.prefix] if standing else [])})


def _products(policy: Policy) -> list[Resource]:
    found = {p.name: p for prefix in _prefixes(policy) for p in inventory.products_below(prefix)}
    return [found[name] for name in sorted(found)]


def _known(actor: Principal, names: Iterable[str]) -> set[str]:
    listed = set(names)
    return resources.visible_names(actor, Action.DISCOVER, listed) if listed else set()


def _protection(actor: Principal, policy: Policy, names: int) -> dict[str, Any]:
    both, merged = _Both(policy), _Once(requirement)
    changed: dict[str, tuple[Requirement, Requirement]] = {}
    for product in _products(policy):
        before, after = map(merged, both.applying(product))
        if before != after:
            changed[product.name] = before, after
    known = _known(actor, changed)
    told = {name: changed[name] for name in sorted(known)}
    planned = simulations.planned(dict(list(told.items())[:MAX_PLANNED]))
    by_change = Counter(row["change"] for row in planned)
    return {
        "products": {
            "count": len(told),
            "sample": [
                {"name": name, "before": _shown(before), "after": _shown(after)}
                for name, (before, after) in list(told.items())[:names]
            ],
        },
        "copies": {
            "planned_products": min(len(told), MAX_PLANNED),
            **{change: by_change[change] for change in ("more", "fewer", "refused", "unmet")},
            "bytes": sum(row["bytes"] for row in planned if row["change"] == "more"),
            "sample": planned[:names],
        },
        "affected": _affected(planned, frozenset(told), names),
    }


def _affected(
    planned: Sequence[dict[str, Any]], names: frozenset[str], limit: int
) -> dict[str, Any]:
    """Return the transfers under way, and the replicas, that the new plans refuse or give up."""
    against = {
        (row["version"], row["store"]) for row in planned if row["change"] in {"refused", "fewer"}
    }
    touched = simulations.touched(names) if against else {}
    found = {
        what: [row for row in rows if (row["version"], row["store"]) in against]
        for what, rows in touched.items()
        if what != "derived"
    }
    return {what: {"count": len(rows), "sample": rows[:limit]} for what, rows in found.items()}


_SHOWN = (
    "copies", "min_sites", "jurisdictions", "retention_days", "max_retention_days",
    "object_lock_days", "legal_hold", "time_to_replicate_minutes",
)  # fmt: skip


def _shown(wanted: Requirement) -> dict[str, Any]:
    lists = {"sites": wanted.sites, "never_sites": wanted.never_sites}
    return {
        **{key: getattr(wanted, key) for key in _SHOWN},
        **{key: sorted(value) for key, value in lists.items()},
        "residency": None if wanted.residency is None else sorted(wanted.residency),
    }


def _naming(actor: Principal, policy: Policy, names: int) -> dict[str, Any]:
    both = _Both(policy)
    rules = _Once(_rules)
    broken: dict[str, list[dict[str, str]]] = {}
    mended: set[str] = set()
    for prefix in _prefixes(policy):
        for product, told in inventory.described_below(prefix):
            before, after = map(rules, both.applying(product))
            if before == after:
                continue
            was, is_now = (_violations(side, product, told) for side in (before, after))
            if new := [each for each in is_now if each not in was]:
                broken[product.name] = new
            elif was and not is_now:
                mended.add(product.name)
    known = _known(actor, {*broken, *mended})
    listed = [name for name in sorted(broken) if name in known]
    return {
        "violations": {
            "count": len(listed),
            "sample": [{"name": name, "rules": broken[name]} for name in listed[:names]],
        },
        "mended": {"count": len(mended & known), "sample": sorted(mended & known)[:names]},
    }


def _rules(policies: Sequence[Standing]) -> NamingRules:
    return naming.merge(naming.from_spec(p.slug, p.prefix, p.spec) for p in policies)


def _violations(rules: NamingRules, product: Resource, told: Description) -> list[dict[str, str]]:
    found = [
        *naming.check_product(rules, Name.parse(product.name)),
        *naming.check_metadata(rules, told),
        *naming.check_keywords(rules, told.keywords),
        *naming.check_labels(rules, product.labels),
        *naming.check_publisher(rules, product.name, [product.team]),
    ]
    return [violation.as_json() for violation in found]


def _services(actor: Principal, policy: Policy, names: int) -> dict[str, Any]:
    both = _Both(policy)
    plans = _Once(lambda policies: {event: plan(policies, event)[0] for event in Event})
    left_out = _Once(lambda policies: [SCAN] if scan_left_out(policies) else [])
    asked = _Once(lambda policies: sorted({each.pipeline for each in pipelines_asked(policies)}))
    ways = pipelines.known(both.pipelines())
    changed: dict[str, dict[str, Any]] = {}
    for product in _products(policy):
        sides = both.applying(product)
        before, after = map(plans, sides)
        events = {
            str(event): {
                "before": [call.service for call in before[event]],
                "after": [call.service for call in after[event]],
            }
            for event in Event
            if before[event] != after[event]
        }
        without = {"before": left_out(sides[0]), "after": left_out(sides[1])}
        if without["before"] != without["after"]:
            events["without"] = without
        runs = [
            [name for name in asked(side) if name in ways and ways[name].source == product.name]
            for side in sides
        ]
        if runs[0] != runs[1]:
            events["pipelines"] = {"before": runs[0], "after": runs[1]}
        if events:
            changed[product.name] = events
    known = sorted(_known(actor, changed))
    sample = [{"name": name, "events": changed[name]} for name in known[:names]]
    return {"products": {"count": len(known), "sample": sample}}
