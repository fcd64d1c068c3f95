"""The policies in force that are YAML: which apply to a name, and what they ask for together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from core.names import is_under
from core.prepared import Prepared
from governance.engine import naming, pipeline_policies, protection, service_policies
from governance.engine.documents import Document
from governance.engine.naming import NamingRules
from governance.engine.pipeline_policies import Asked
from governance.engine.protection import Protection, Requirement
from governance.engine.service_policies import Event, ServiceCall
from governance.models import Label, Policy, PolicyState


@dataclass(frozen=True, slots=True)
class Standing:
    """One policy in force, or one that is looked at as if it were."""

    slug: str
    prefix: str
    labels: frozenset[str]
    spec: dict[str, Any]

    @classmethod
    def of(cls, document: Document) -> Standing:
        return cls(document.id, document.prefix, frozenset(document.labels), document.spec)

    def covers(self, name: str, labels: frozenset[str]) -> bool:
        return is_under(name, self.prefix) and self.labels <= labels

    def covers_all_of(self, other: Standing) -> bool:
        """True when this policy binds whatever `other` binds."""
        return is_under(other.prefix, self.prefix) and self.labels <= other.labels


_IN_FORCE = Prepared(
    lambda kind: (
        Policy.objects.filter(kind=kind, state=PolicyState.ACTIVE)
        .order_by("slug")
        .values_list("slug", "prefix", "labels", "spec")
    )
)


def in_force(kind: str) -> list[Standing]:
    """Return the active policies of a kind by slug. One query."""
    return [
        Standing(slug, prefix, frozenset(labels), spec)
        for slug, prefix, labels, spec in _IN_FORCE(kind)
    ]


def replaced(policies: Iterable[Standing], slug: str, by: Standing | None) -> list[Standing]:
    """Return the policies with another version of `slug` in its place, or none."""
    kept = [policy for policy in policies if policy.slug != slug]
    return sorted([*kept, *([by] if by else [])], key=lambda policy: policy.slug)


class Index:
    """Policies by the prefix of their scope: what applies to a name costs its depth."""

    def __init__(self, policies: Sequence[Standing]) -> None:
        self._by_prefix: dict[str, list[Standing]] = defaultdict(list)
        for policy in policies:
            self._by_prefix[policy.prefix].append(policy)

    def applying(self, name: str, labels: frozenset[str]) -> list[Standing]:
        found = [
            policy
            for prefix in _at_or_above(name)
            for policy in self._by_prefix.get(prefix, ())
            if policy.labels <= labels
        ]
        return sorted(found, key=lambda policy: policy.slug)


def _at_or_above(name: str) -> Iterator[str]:
    yield "/"
    parts = name.split("/")
    for end in range(2, len(parts) + 1):
        yield "/".join(parts[:end])


def requirement(policies: Iterable[Standing]) -> Requirement:
    return protection.merge(Protection.from_spec(policy.slug, policy.spec) for policy in policies)


def protection_of(name: str, labels: Iterable[str]) -> Requirement:
    """Return what the active protection policies ask for the product `name` together."""
    carried = frozenset(labels)
    return requirement(p for p in in_force("protection") if p.covers(name, carried))


def naming_of(name: str, labels: Iterable[str] = ()) -> NamingRules:
    """Return the naming rules of everything at `name`."""
    carried = frozenset(labels)
    return naming.merge(
        naming.from_spec(policy.slug, policy.prefix, policy.spec)
        for policy in in_force("naming")
        if policy.covers(name, carried)
    )


def omission_in_force() -> bool:
    """Say whether any policy has hidden products left out of lineage. One query."""
    return any(service_policies.omits_hidden(p.spec) for p in in_force("services"))


def omitted_from_lineage(names: Iterable[str]) -> set[str]:
    """Return the products that lineage leaves out for who may not know of them. Two queries."""
    omitting = [p for p in in_force("services") if service_policies.omits_hidden(p.spec)]
    if not omitting:
        return set()
    labels: dict[str, set[str]] = defaultdict(set)
    if any(policy.labels for policy in omitting):
        carried = Q(label__in={label for policy in omitting for label in policy.labels})
        rows = Label.objects.filter(carried, removed_at__isnull=True)
        for name, label in rows.values_list("name", "label"):
            labels[name].add(label)
    return {
        name
        for name in set(names)
        if any(policy.covers(name, frozenset(labels[name])) for policy in omitting)
    }


def services_for(name: str, labels: Iterable[str], event: str) -> list[ServiceCall]:
    """Return what is to run on the product `name`, in order; `event` is one of Event."""
    carried = frozenset(labels)
    return plan(
        (policy for policy in in_force("services") if policy.covers(name, carried)), Event(event)
    )[0]


def scan_left_out_by(name: str, labels: Iterable[str]) -> list[str]:
    """Return the policies that leave out the scan of what is published; empty when it runs."""
    carried = frozenset(labels)
    return scan_left_out([p for p in in_force("services") if p.covers(name, carried)])


def scan_left_out(policies: Iterable[Standing]) -> list[str]:
    """Return by which of the policies that bind a product its scan is left out."""
    return service_policies.leaving_out({policy.slug: policy.spec for policy in policies})


def pipelines_asked(policies: Iterable[Standing]) -> list[Asked]:
    """Return what these policies ask for, by policy and pipeline."""
    return [
        asked
        for policy in policies
        for asked in pipeline_policies.asked_for(policy.slug, policy.spec)
    ]


def pipelines_scheduled() -> list[tuple[Standing, Asked]]:
    """Return what is to run on a schedule, each with the policy that asks for it. One query."""
    return [
        (policy, asked)
        for policy in in_force("services")
        for asked in pipelines_asked([policy])
        if asked.every
    ]


def pipelines_for(name: str, labels: Iterable[str]) -> list[Asked]:
    """Return the pipelines that are to run over the product `name`. One query."""
    carried = frozenset(labels)
    return pipelines_asked(p for p in in_force("services") if p.covers(name, carried))


def plan(policies: Iterable[Standing], event: Event) -> tuple[list[ServiceCall], list[str]]:
    """Return the services in order, and those that wait for each other."""
    plans = [service_policies.plan_of(policy.slug, policy.spec, event) for policy in policies]
    return service_policies.in_order(service_policies.merge(plans))
