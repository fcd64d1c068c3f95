"""What protection policies ask for that cannot be, or that one part of them undoes.

A contradiction is an error when no new site could mend it, or when one policy asks for more sites
than it lets itself have. It is a warning when it only waits for a site, when several policies
together leave too few (a residency must never be held up by someone else's wish for copies), or
when the rules say which side wins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from governance.engine.protection import Requirement


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Site:
    """A place of the mesh, as far as policies speak of it."""

    name: str
    jurisdictions: frozenset[str]


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What cannot be, where it is written, and which policies say so."""

    severity: Severity
    where: str
    message: str
    policies: tuple[str, ...]


def contradictions(wanted: Requirement, sites: Sequence[Site]) -> list[Contradiction]:
    """Return what is wrong with a requirement on the sites there are; none when all can be."""
    return [*_of_places(wanted), *_of_time(wanted), *_of_sites(wanted, sites)]


def allowed_sites(wanted: Requirement, sites: Sequence[Site]) -> list[Site]:
    """Return the sites at which a copy may lie."""
    return [
        site
        for site in sites
        if site.name not in wanted.never_sites
        and (wanted.residency is None or wanted.residency & site.jurisdictions)
    ]


def _of_places(wanted: Requirement) -> Iterator[Contradiction]:
    if told := wanted.contradiction:
        yield Contradiction(Severity.ERROR, "spec.residency", told, wanted.residency_by)
    for site in sorted(wanted.sites & wanted.never_sites):
        by = _who(site, wanted.sites_by), _who(site, wanted.never_by)
        yield Contradiction(
            Severity.ERROR,
            "spec.never_sites",
            f"{site} must hold a copy by {_told(by[0])} and never may by {_told(by[1])}.",
            tuple(sorted({*by[0], *by[1]})),
        )


def _of_time(wanted: Requirement) -> Iterator[Contradiction]:
    end = wanted.max_retention_days
    if end is None:
        return
    if wanted.retention_days > end:
        yield Contradiction(
            Severity.ERROR,
            "spec.retention_days",
            f"Kept at least {wanted.retention_days} days by {_told(wanted.retention_by)}, and "
            f"deleted after {end} days by {_told(wanted.max_retention_by)}.",
            tuple(sorted({*wanted.retention_by, *wanted.max_retention_by})),
        )
    if wanted.object_lock_days > end:
        yield Contradiction(
            Severity.ERROR,
            "spec.object_lock_days",
            f"Locked for {wanted.object_lock_days} days by {_told(wanted.object_lock_by)}, and "
            f"deleted after {end} days by {_told(wanted.max_retention_by)}.",
            tuple(sorted({*wanted.object_lock_by, *wanted.max_retention_by})),
        )
    if wanted.legal_hold:
        yield Contradiction(
            Severity.WARNING,
            "spec.max_retention_days",
            f"Deleted after {end} days by {_told(wanted.max_retention_by)}, but held by "
            f"{_told(wanted.hold_by)}: the hold wins and nothing is deleted.",
            tuple(sorted({*wanted.hold_by, *wanted.max_retention_by})),
        )


def _of_sites(wanted: Requirement, sites: Sequence[Site]) -> Iterator[Contradiction]:
    known = {site.name: site for site in sites}
    for name in sorted(wanted.sites):
        if name not in known:
            yield Contradiction(
                Severity.WARNING,
                "spec.sites",
                f"There is no site {name} yet, where {_told(_who(name, wanted.sites_by))} asks "
                "for a copy.",
                _who(name, wanted.sites_by),
            )
        elif wanted.residency and not wanted.residency & known[name].jurisdictions:
            by = tuple(sorted({*_who(name, wanted.sites_by), *wanted.residency_by}))
            places = ", ".join(sorted(known[name].jurisdictions)) or "nowhere"
            yield Contradiction(
                Severity.ERROR,
                "spec.sites",
                f"{name} must hold a copy by {_told(_who(name, wanted.sites_by))} but lies in "
                f"{places}, outside {', '.join(sorted(wanted.residency))} by "
                f"{_told(wanted.residency_by)}.",
                by,
            )
    if sites and (wanted.residency is None or wanted.residency):
        yield from _too_few(wanted, sites)


def _too_few(wanted: Requirement, sites: Sequence[Site]) -> Iterator[Contradiction]:
    left = allowed_sites(wanted, sites)
    places = {place for site in left for place in site.jurisdictions}
    everywhere = {place for site in sites for place in site.jurisdictions}
    binding = {*wanted.residency_by, *(policy for _, policy in wanted.never_by)}
    for where, asked, by, there, all_there, noun in (
        ("copies", wanted.copies, wanted.copies_by, len(left), len(sites), "sites"),
        ("min_sites", wanted.min_sites, wanted.min_sites_by, len(left), len(sites), "sites"),
        ("jurisdictions", wanted.jurisdictions, wanted.jurisdictions_by, len(places),
         len(everywhere), "jurisdictions"),
    ):  # fmt: skip
        if asked <= there or (asked == 1 and where != "copies"):
            continue
        itself = len({*by, *binding}) == 1 and bool(by) and bool(binding)
        named = f" ({', '.join(site.name for site in left)})" if left and noun == "sites" else ""
        because = f" by {_told(tuple(sorted(binding)))}" if binding else ""
        yield Contradiction(
            Severity.ERROR if itself and asked <= all_there else Severity.WARNING,
            f"spec.{where}",
            f"{where} is {asked} by {_told(by)}, and only {there} {noun}{named} may hold a "
            f"copy{because}.",
            tuple(sorted({*by, *binding})),
        )


def _who(site: str, pairs: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(policy for wanted, policy in pairs if wanted == site)


def _told(policies: Sequence[str]) -> str:
    return ", ".join(policies) or "the default"
