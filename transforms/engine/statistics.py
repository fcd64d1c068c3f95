"""What a run tells of its data: sums that shards add up, turned into shares, rates and prices.

Operators count under the names of `counting`, and under `tokens`, `packed_tokens`, `packed_rows`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from transforms.engine.counting import LANGUAGE, LENGTH
from transforms.engine.operators.pack import Pack
from transforms.engine.spec import Spec

_DUPLICATES = frozenset({"duplicate", "near_duplicate"})


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of a run that is done; None where the pipeline has no step that tells it."""

    tokens: int | None
    lengths: tuple[tuple[int, int], ...]
    """(most tokens, documents) by powers of two, ascending."""
    languages: tuple[tuple[str, int], ...]
    """(code, documents), the commonest first."""
    duplicates: float | None
    """Share of the rows that were read and are not there because they repeat others."""
    pack_fill: float | None
    """Share of the places in packed rows that hold a token."""
    steps: tuple[tuple[str, float, float | None], ...]
    """(name, seconds of all workers together, MB of input a second)."""
    core_seconds: float
    cost: float | None
    """In the money of `hour_price`."""
    cost_per_million_tokens: float | None


def statistics(spec: Spec, report: Mapping[str, Any], hour_price: float | None) -> Statistics:
    """Return what the report of a run says; `hour_price` is that of one core."""
    counts: Mapping[str, int] = report["counts"]
    tokens = counts.get("tokens")
    core_seconds = sum(report["seconds"].values())
    cost = None if hour_price is None else core_seconds / 3600 * hour_price
    megabytes = report["bytes_in"] / 1e6
    return Statistics(
        tokens=tokens,
        lengths=tuple(sorted((int(name), count) for name, count in _below(counts, LENGTH))),
        languages=tuple(sorted(_below(counts, LANGUAGE), key=lambda each: (-each[1], each[0]))),
        duplicates=_duplicates(spec, report),
        pack_fill=_pack_fill(spec, counts),
        steps=tuple(
            (step, seconds, megabytes / seconds if seconds else None)
            for step, seconds in report["seconds"].items()
        ),
        core_seconds=core_seconds,
        cost=cost,
        cost_per_million_tokens=None if cost is None or not tokens else cost / tokens * 1e6,
    )


def _below(counts: Mapping[str, int], prefix: str) -> list[tuple[str, int]]:
    return [(n.removeprefix(prefix), count) for n, count in counts.items() if n.startswith(prefix)]


def _duplicates(spec: Spec, report: Mapping[str, Any]) -> float | None:
    if not {step.NAME for step in spec.steps} & {"dedup_exact", "near_dedup"}:
        return None
    reasons: Mapping[str, int] = report["dropped"]
    dropped = sum(count for reason, count in reasons.items() if reason in _DUPLICATES)
    rows: int = report["rows_in"]
    return dropped / max(1, rows)


def _pack_fill(spec: Spec, counts: Mapping[str, int]) -> float | None:
    rows = counts.get("packed_rows")
    lengths = [step.length for step in spec.steps if isinstance(step, Pack)]
    return counts["packed_tokens"] / (rows * lengths[0]) if rows and lengths else None
