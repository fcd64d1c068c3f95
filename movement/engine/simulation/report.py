"""The report of a simulated mesh: one value for programs, and the same in words and tables.

The same scenario and seed give the same bytes. See docs/how-to/simulate-a-mesh.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from movement.engine.mesh import GB
from movement.engine.simulation.ledger import quantile
from movement.engine.simulation.run import Outcome
from movement.engine.simulation.scenario import DAY, HOUR

_TB = 1_000 * GB
_MOST_LINES = 20
_COUNTS = (
    "versions published", "versions without a place", "publications put off",
    "transfers done", "attempts", "attempts failed",
    "attempts cut by an absence", "copies over a third site", "transfers called off",
    "deadlines missed", "replicas removed", "removals put off", "replicas rotten",
    "rot found by scrubs", "rot found by reading", "removals beside rot that nobody knew of",
    "absences of sites", "sites given up", "sites destroyed",
)  # fmt: skip


def facts(outcome: Outcome) -> dict[str, Any]:
    """Return everything that is reported, in JSON's values."""
    ledger, checker, scenario = outcome.ledger, outcome.checker, outcome.scenario
    egress, requests, storage = ledger.egress_cost, ledger.request_cost, outcome.world.kept_cost
    return {
        "scenario": scenario.title,
        "seed": outcome.seed,
        "days": outcome.days,
        "sites": len(scenario.sites),
        "versions": len(outcome.world.versions),
        "files": sum(scenario.data[v.data].files for v in outcome.world.versions),
        "bytes": sum(scenario.data[v.data].bytes for v in outcome.world.versions),
        "checks": {
            "events": checker.events,
            "made": sum(checker.checks.values()),
            **{kind: checker.checks[kind] for kind in ("places", "room", "ways", "removals")},
        },
        "violations": {
            "count": checker.count,
            "first": [
                {"day": _days(each.at), "version": each.version, "store": each.store,
                 "rule": each.rule, "told": each.told}
                for each in checker.violations
            ],
        },
        "lost": {
            "count": len(ledger.losses),
            "first": [
                {"day": _days(each.at), "version": each.version, "why": each.why}
                for each in ledger.losses[:_MOST_LINES]
            ],
        },
        "short_at_the_end": len(ledger.short),
        "hours_to_repair": {c: _spread(ledger.repaired[c]) for c in sorted(ledger.repaired)},
        "hours_unnoticed": {c: _spread(ledger.noticed[c]) for c in sorted(ledger.noticed)},
        "overtaken_by_newer_policies": {
            "removed": len(checker.overtaken_seconds),
            "there_at_the_end": len(checker.overtaken),
            "hours_until_removed": _spread(checker.overtaken_seconds),
        },
        "counts": {name: ledger.counts[name] for name in _COUNTS},
        "bytes_moved": ledger.counts["bytes moved"],
        "bytes_by_link": [
            {"from": pair[0], "to": pair[1], "bytes": count}
            for pair, count in sorted(ledger.link_bytes.items(), key=lambda e: (-e[1], e[0]))
        ],
        "cost": {
            "egress": round(egress, 2), "requests": round(requests, 2),
            "storage": round(storage, 2), "all": round(egress + requests + storage, 2),
        },
        "refused": dict(sorted(ledger.refused.items())),
        "by_day": _by_day(outcome),
        "chronicle": [{"day": _days(at), "told": told} for at, told in ledger.chronicle],
    }  # fmt: skip


def _by_day(outcome: Outcome) -> list[dict[str, Any]]:
    """Return the twin of the picture: the worst of each day, and what it moved."""
    found = []
    for day in range(-int(-outcome.days // 1)):
        samples = [s for s in outcome.ledger.samples if day <= s.at / DAY < day + 1]
        if samples:
            found.append(
                {
                    "day": day,
                    "date": (outcome.scenario.start + timedelta(days=day)).date().isoformat(),
                    "short": max(s.short for s in samples),
                    "sites_away": max(s.sites_away for s in samples),
                    "bytes_moved": outcome.ledger.day_bytes[day],
                    "lost": max(s.lost for s in samples),
                }
            )
    return found


def _days(seconds: float) -> float:
    return round(seconds / DAY, 2)


def _spread(seconds: Sequence[float]) -> dict[str, float] | None:
    if not seconds:
        return None
    return {
        "count": len(seconds),
        "median": round(quantile(seconds, 0.5) / HOUR, 2),
        "p95": round(quantile(seconds, 0.95) / HOUR, 2),
        "max": round(max(seconds) / HOUR, 2),
    }


# -- in words


def text(told: dict[str, Any]) -> str:
    """Return the report as Markdown that reads as well on a terminal."""
    checks, violations, lost = told["checks"], told["violations"], told["lost"]
    lines = [
        f"# {told['scenario']}",
        "",
        f"{told['days']:g} days, seed {told['seed']}: {told['sites']} sites, "
        f"{told['versions']:,} versions, {told['files']:,} files, {_tb(told['bytes'])} TB.",
        "",
        f"Policies: {violations['count']} violations. {checks['made']:,} checks after "
        f"{checks['events']:,} events: {checks['places']:,} places of replicas, "
        f"{checks['room']:,} times room, {checks['ways']:,} departures, "
        f"{checks['removals']:,} removals.",
        f"Versions lost: {lost['count']}. With too few copies at the end: "
        f"{told['short_at_the_end']}.",
    ]
    lines += [
        f"- VIOLATION day {each['day']}: {each['version']} in {each['store']}, "
        f"{each['rule']}: {each['told']}"
        for each in violations["first"]
    ]
    lines += [
        f"- lost on day {each['day']}: {each['version']}: {each['why']}" for each in lost["first"]
    ]
    lines += _spreads("Hours with too few copies, by what caused it", told["hours_to_repair"])
    lines += _spreads("Hours until it was known", told["hours_unnoticed"])
    lines += _overtaken(told["overtaken_by_newer_policies"])
    lines += ["", "## What was done", ""]
    lines += _table(("what", "count"), [(k, f"{n:,}") for k, n in told["counts"].items()])
    lines += ["", f"## {_tb(told['bytes_moved'])} TB moved, by link", ""]
    links = told["bytes_by_link"]
    rows = [(f"{each['from']} → {each['to']}", _tb(each["bytes"])) for each in links[:_MOST_LINES]]
    if len(links) > _MOST_LINES:
        rest = sum(each["bytes"] for each in links[_MOST_LINES:])
        rows.append((f"{len(links) - _MOST_LINES} others", _tb(rest)))
    lines += _table(("link", "TB"), rows)
    lines += ["", "## Money, in the unit of the prices", ""]
    lines += _table(("for", "money"), [(k, f"{n:,.2f}") for k, n in told["cost"].items()])
    if told["refused"]:
        lines += ["", "## Places that planning was refused, by policies", ""]
        lines += _table(("policies", "times"), [(k, f"{n:,}") for k, n in told["refused"].items()])
    lines += ["", "## Day by day", ""]
    lines += _table(
        ("day", "date", "too few copies", "sites away", "TB moved", "lost"),
        [
            (str(d["day"]), d["date"], f"{d['short']:,}", str(d["sites_away"]),
             _tb(d["bytes_moved"]), str(d["lost"]))
            for d in told["by_day"]
        ],
    )  # fmt: skip
    lines += ["", "## What happened", ""]
    lines += [f"- day {each['day']}: {each['told']}" for each in told["chronicle"]]
    return "\n".join(lines) + "\n"


def _spreads(title: str, found: dict[str, dict[str, float]]) -> list[str]:
    rows = [
        (cause, f"{each['count']:,}", f"{each['median']:.2f}", f"{each['p95']:.2f}",
         f"{each['max']:.2f}")
        for cause, each in found.items()
    ]  # fmt: skip
    return ["", f"## {title}", "", *_table(("cause", "count", "median", "p95", "max"), rows)]


def _overtaken(found: dict[str, Any]) -> list[str]:
    if not found["removed"] and not found["there_at_the_end"]:
        return []
    spread = found["hours_until_removed"]
    longest = f", after {spread['median']} hours in the median, {spread['max']} at most"
    return [
        "",
        f"Forbidden by newer policies where they lay: {found['removed']:,} replicas were removed"
        f"{longest if spread else ''}; {found['there_at_the_end']:,} are still there.",
    ]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a Markdown table whose columns line up; numbers stand to the right."""
    body = [list(head), *map(list, rows)]
    if len(body) == 1:
        return ["None."]
    widths = [max(len(row[n]) for row in body) for n in range(len(head))]

    def line(row: Sequence[str]) -> str:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        return f"| {' | '.join(cells)} |"

    rule = "".join(f"-{'-' * width}:|" for width in widths[1:])
    rule = f"|-{'-' * widths[0]}-|{rule}"
    return [line(body[0]), rule, *(line(row) for row in body[1:])]


def _tb(count: int) -> str:
    return f"{count / _TB:,.2f}"
