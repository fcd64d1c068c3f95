"""A scenario as values: read from YAML, checked by its schema, groups and patterns written out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from jsonschema import Draft202012Validator

from core.errors import Invalid, InvalidSpec
from core.names import is_under
from core.yaml_text import read_yaml
from governance.engine.protection import Protection
from movement.engine.calendar import Calendar, read_calendar
from movement.engine.mesh import GB, UNMEASURED_RATE
from movement.engine.simulation.schema import SCENARIO_SCHEMA

HOUR, DAY = 3_600.0, 86_400.0
_MB = 1_000_000
_TB = 1_000 * GB


@dataclass(frozen=True, slots=True)
class StoreSpec:
    name: str
    tier: str = "hot"
    capacity: int | None = None
    slots: int | None = None
    cost_gb_month: float = 0.0
    cost_1000_puts: float = 0.0
    cost_1000_gets: float = 0.0
    rot_every_days: float | None = None


@dataclass(frozen=True, slots=True)
class SiteSpec:
    name: str
    kind: str
    jurisdictions: tuple[str, ...]
    stores: tuple[StoreSpec, ...]
    windows: Calendar
    grace_seconds: float
    outage_every_days: float | None = None
    outage_hours: float = 0.0
    destroyed_every_days: float | None = None


@dataclass(frozen=True, slots=True)
class LinkSpec:
    """What a link is, as opposed to what planning has measured of it."""

    open: bool = True
    rate: float = UNMEASURED_RATE
    limit: float | None = None
    slots: int | None = None
    cost_per_gb: float = 0.0
    failure_rate: float = 0.0


@dataclass(frozen=True, slots=True)
class Data:
    """Versions that are alike."""

    name: str
    team: str
    labels: frozenset[str]
    versions: int
    files: int
    bytes: int
    at: tuple[str, ...]
    """The names of the sites where they are published, in turns."""
    over_seconds: float


@dataclass(frozen=True, slots=True)
class PolicySpec:
    protection: Protection
    prefix: str = "/"
    labels: frozenset[str] = frozenset()

    def applies_to(self, name: str, labels: frozenset[str]) -> bool:
        return is_under(name, self.prefix) and self.labels <= labels


@dataclass(frozen=True, slots=True)
class Happening:
    """What a scenario has happen: to sites, to the policies in force, or to the labels of data."""

    at: float
    sites: tuple[str, ...] = ()
    becomes: str = ""
    seconds: float | None = None
    policy: PolicySpec | None = None
    withdraw: str = ""
    data: str = ""
    labels: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Scenario:
    title: str
    start: datetime
    days: float
    seed: int
    sites: tuple[SiteSpec, ...]
    links: Mapping[tuple[str, str], LinkSpec]
    data: tuple[Data, ...]
    policies: tuple[PolicySpec, ...] = ()
    happenings: tuple[Happening, ...] = ()
    scrub_seconds: float = 90 * DAY
    removal_seconds: float = 24 * HOUR
    silence_seconds: float = 900.0
    stores: Mapping[str, tuple[SiteSpec, StoreSpec]] = field(default_factory=dict)


def read_scenario(text: str) -> Scenario:
    """Return the scenario in a YAML text; raise InvalidSpec with every place that is wrong."""
    raw = read_yaml(text)
    validator = Draft202012Validator(SCENARIO_SCHEMA)
    wrong = sorted(validator.iter_errors(raw), key=lambda each: each.json_path)
    errors = [_told(each.json_path.removeprefix("$").lstrip("."), each.message) for each in wrong]
    if errors:
        raise InvalidSpec("The scenario is not valid.", errors=errors)
    return _Reading(raw).scenario()


def _told(where: str, message: str) -> dict[str, str]:
    return {"where": where or "the document", "message": message}


class _Reading:
    """Reads one document that its schema has let pass, and notes what the schema cannot see."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self._raw = raw
        self._errors: list[dict[str, str]] = []
        self._sites = tuple(
            site for n, each in enumerate(raw["sites"]) for site in self._group(each, f"sites[{n}]")
        )
        self._names = [site.name for site in self._sites]

    def scenario(self) -> Scenario:
        raw, told = self._raw, self._raw.get("settings", {})
        if len(set(self._names)) < len(self._names):
            self._wrong("sites", "two sites have the same name")
        scenario = Scenario(
            title=raw["title"],
            start=self._start(raw.get("start", "2026-01-05")),
            days=raw["days"],
            seed=raw.get("seed", 1),
            sites=self._sites,
            links=dict(self._links()),
            data=tuple(self._data(each, n) for n, each in enumerate(raw["data"])),
            policies=tuple(_policy(each) for each in raw.get("policies", ())),
            happenings=tuple(self._event(each, n) for n, each in enumerate(raw.get("events", ()))),
            scrub_seconds=told.get("scrub_days", 90) * DAY,
            removal_seconds=told.get("removal_hours", 24) * HOUR,
            silence_seconds=told.get("silence_minutes", 15) * 60.0,
            stores={store.name: (site, store) for site in self._sites for store in site.stores},
        )
        names = [each.name for each in scenario.data]
        if len(set(names)) < len(names):
            self._wrong("data", "two entries have the same name")
        if self._errors:
            raise InvalidSpec("The scenario is not valid.", errors=self._errors)
        return scenario

    def _wrong(self, where: str, message: str) -> None:
        self._errors.append(_told(where, message))

    def _start(self, text: str) -> datetime:
        try:
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        except ValueError:
            self._wrong("start", f"{text} is no day")
            return datetime(2026, 1, 5, tzinfo=UTC)

    def _group(self, raw: dict[str, Any], where: str) -> Iterator[SiteSpec]:
        windows = Calendar(())
        try:
            windows = read_calendar(raw.get("windows", []))
        except Invalid as error:
            self._wrong(f"{where}.windows", error.detail)
        outages = raw.get("outages", {})
        for name in _names(raw["name"], raw.get("count", 1)):
            yield SiteSpec(
                name=name,
                kind=raw["kind"],
                jurisdictions=tuple(raw.get("jurisdictions", ())),
                stores=tuple(_stores(name, raw["stores"])),
                windows=windows,
                grace_seconds=raw.get("grace_hours", 72) * HOUR,
                outage_every_days=outages.get("every_days"),
                outage_hours=outages.get("hours", 0.0),
                destroyed_every_days=raw.get("destroyed_every_days"),
            )

    def _matching(self, pattern: str, where: str) -> tuple[str, ...]:
        found = tuple(name for name in self._names if fnmatchcase(name, pattern))
        if not found:
            self._wrong(where, f"no site is called {pattern}")
        return found

    def _links(self) -> Iterator[tuple[tuple[str, str], LinkSpec]]:
        """Yield links by their sites; of several that fit a pair the last counts."""
        for n, raw in enumerate(self._raw.get("links", ())):
            here = self._matching(raw["from"], f"links[{n}].from")
            there = self._matching(raw["to"], f"links[{n}].to")
            limit = raw.get("limit_megabytes_per_second")
            link = LinkSpec(
                open=raw.get("open", True),
                rate=raw.get("megabytes_per_second", UNMEASURED_RATE / _MB) * _MB,
                limit=None if limit is None else limit * _MB,
                slots=raw.get("slots"),
                cost_per_gb=raw.get("cost_per_gb", 0.0),
                failure_rate=raw.get("failure_rate", 0.0),
            )
            for one in here:
                for other in there:
                    if one != other:
                        yield (one, other), link
                        if raw.get("both", True):
                            yield (other, one), link

    def _data(self, raw: dict[str, Any], n: int) -> Data:
        return Data(
            name=raw["name"],
            team=raw.get("team", raw["name"].split("/")[1] or "mesh"),
            labels=frozenset(raw.get("labels", ())),
            versions=raw["versions"],
            files=raw["files"],
            bytes=round(raw["gigabytes"] * GB),
            at=self._matching(raw["at"], f"data[{n}].at"),
            over_seconds=raw.get("over_days", 0) * DAY,
        )

    def _event(self, raw: dict[str, Any], n: int) -> Happening:
        data = raw.get("data", "")
        if data and data not in {each["name"] for each in self._raw["data"]}:
            self._wrong(f"events[{n}].data", f"no data are called {data}")
        seconds = raw.get("for_hours")
        return Happening(
            at=raw["at_hours"] * HOUR,
            sites=self._matching(raw["site"], f"events[{n}].site") if "site" in raw else (),
            becomes=raw.get("becomes", ""),
            seconds=None if seconds is None else seconds * HOUR,
            policy=_policy(raw["policy"]) if "policy" in raw else None,
            withdraw=raw.get("withdraw", ""),
            data=data,
            labels=frozenset(raw.get("labels", ())),
        )


def _names(name: str, count: int) -> list[str]:
    return [name] if count == 1 else [f"{name}-{n}" for n in range(1, count + 1)]


def _stores(site: str, raw: Sequence[dict[str, Any]]) -> Iterator[StoreSpec]:
    for n, each in enumerate(raw, start=1):
        told = dict(each)
        size = told.pop("terabytes", None)
        name = f"{site}-store" if len(raw) == 1 else f"{site}-store-{n}"
        yield StoreSpec(name, capacity=None if size is None else round(size * _TB), **told)


def _policy(raw: dict[str, Any]) -> PolicySpec:
    scope = raw.get("scope", {})
    return PolicySpec(
        Protection.from_spec(raw["id"], raw["spec"]),
        scope.get("prefix", "/"),
        frozenset(scope.get("labels", ())),
    )
