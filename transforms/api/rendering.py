"""Plans and samples as JSON values."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from transforms.engine.operators.base import ColumnUse
from transforms.engine.reading.records import BadRow
from transforms.engine.sample import Sample
from transforms.engine.statistics import Statistics
from transforms.services.pipelines import Explained
from transforms.services.quarantine import SetAside

LONGEST_TEXT = 2_000
LONGEST_LIST = 256


def render_plan(found: Explained) -> dict[str, Any]:
    planned, version = found.plan, found.input
    spec = planned.spec
    steps = ["input", *(spec.where(position) for position in range(len(spec.steps)))]
    equal = found.equal and found.equal.output_version
    return {
        "inputs": [
            {
                "name": version.name,
                "digest": version.digest,
                "files": version.files,
                "bytes": version.bytes,
            }
        ],
        "schemas": [
            {
                "step": step,
                "columns": [{"name": each.name, "type": str(each.type)} for each in schema],
            }
            for step, schema in zip(steps, planned.schemas, strict=True)
        ],
        "shards": len(planned.shards),
        "stages": len(planned.stages),
        "bytes": sum(shard.bytes for shard in planned.shards),
        "column_map": {
            column: [_use(use) for use in uses] for column, uses in planned.column_map.items()
        },
        "verdicts": [
            {
                "action": str(action),
                "name": name,
                "allow": answer.allow,
                "policies": list(answer.policies),
                "reason": answer.reason,
            }
            for action, name, answer in found.decisions
        ],
        "labels": [{"label": each.label, "from": version.name} for each in found.labels],
        "run_digest": planned.run_digest,
        "would_skip": equal.name if equal else None,
    }


def _use(use: ColumnUse) -> dict[str, Any]:
    return {
        "column": use.column,
        "kind": use.kind,
        "subtype": use.subtype,
        "masking": use.masking,
    }


def render_sample(found: Sample) -> dict[str, Any]:
    """Return a sample with long texts and lists cut, so that an answer stays readable."""
    return {
        "rows": [
            {
                "before": plain(row.before),
                "after": None if row.after is None else plain(row.after),
                "dropped_by": row.dropped_by,
            }
            for row in found.rows
        ],
        "output": [plain(row) for row in found.output],
        "quarantined": render_set_aside(found.quarantined),
    }


def render_statistics(found: Statistics) -> dict[str, Any]:
    return {
        **asdict(found),
        "lengths": [{"upto": upto, "documents": count} for upto, count in found.lengths],
        "languages": [{"language": code, "documents": count} for code, count in found.languages],
        "steps": [
            {"step": step, "seconds": round(seconds, 3), "megabytes_per_second": rate}
            for step, seconds, rate in found.steps
        ],
    }


def render_set_aside(rows: Iterable[BadRow | SetAside]) -> list[dict[str, Any]]:
    return [
        {
            "source": row.source,
            "byte_offset": row.byte_offset,
            "raw": plain(row.raw),
            "error": row.error,
        }
        for row in rows
    ]


def plain(value: Any) -> Any:
    """Return a value of a row as JSON can carry it."""
    if isinstance(value, dict):
        return {key: plain(member) for key, member in value.items()}
    if isinstance(value, list):
        return [plain(member) for member in value[:LONGEST_LIST]]
    if isinstance(value, bytes):
        return plain(value[: LONGEST_TEXT + 1].decode(errors="replace"))
    if isinstance(value, str):
        return value if len(value) <= LONGEST_TEXT else value[:LONGEST_TEXT] + "…"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, bool | int | float) else str(value)
