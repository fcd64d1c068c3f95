"""Plans and samples as JSON values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any

from catalog.models import Version
from transforms.engine.cutting import SHARD_BYTES, Shard, read_by_one
from transforms.engine.operators.base import ColumnUse
from transforms.engine.reading.records import BadRow
from transforms.engine.sample import Sample
from transforms.engine.spec import Spec
from transforms.engine.statistics import Statistics
from transforms.services.estimates import Estimate
from transforms.services.pipelines import Explained
from transforms.services.quarantine import SetAside

LONGEST_TEXT = 2_000
LONGEST_LIST = 256
MOST, MOST_PIECES = 200, 5
"""Shards in a plan, and pieces of each: enough to see how the input is cut."""
_DROPPED = "dropped."


def render_plan(found: Explained) -> dict[str, Any]:
    planned = found.plan
    spec = planned.spec
    steps = ["input", *(spec.where(position) for position in range(len(spec.steps)))]
    equal = found.equal and found.equal.output_version
    shards = (*planned.shards, *planned.beside)
    return {
        "inputs": [
            {
                "name": version.name,
                "digest": version.digest,
                "files": version.files,
                "bytes": version.bytes,
                "looked_up_by": list(spec.looked_up_by(number)),
            }
            for number, version in enumerate(found.inputs)
        ],
        "schemas": [
            {
                "step": step,
                "columns": [{"name": each.name, "type": str(each.type)} for each in schema],
            }
            for step, schema in zip(steps, planned.schemas, strict=True)
        ],
        "shards": len(planned.shards),
        "shard_list": [_shard(each, found) for each in shards[:MOST]],
        "read_by_one": [
            {"path": piece.path, "bytes": size, "reason": reason}
            for piece, size, reason in islice(read_by_one(shards, SHARD_BYTES), MOST)
        ],
        "stages": len(planned.stages),
        "bytes": sum(shard.bytes for shard in shards),
        "column_map": {
            column: [_use(use, found.inputs) for use in uses]
            for column, uses in planned.column_map.items()
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
        "labels": [{"label": label.label, "from": version.name} for version, label in found.labels],
        "run_digest": planned.run_digest,
        "would_skip": equal.name if equal else None,
        "estimate": _estimate(found.estimate),
    }


def _shard(shard: Shard, found: Explained) -> dict[str, Any]:
    return {
        "index": shard.index,
        "input": found.inputs[shard.input].name,
        "bytes": shard.bytes,
        "done": shard.digest in found.estimate.done,
        "files": len({path for piece in shard.pieces for path in piece.paths}),
        "pieces": [
            {"path": piece.path, "start": piece.start, "end": piece.end}
            for piece in shard.pieces[:MOST_PIECES]
        ],
    }


def _estimate(found: Estimate) -> dict[str, Any]:
    return {
        "shards_done": len(found.done),
        "bytes_to_do": found.bytes_to_do,
        "like": None if found.like is None else str(found.like.pk),
        "core_seconds": found.core_seconds,
        "output_bytes": found.output_bytes,
        "money": found.money,
    }


def _use(use: ColumnUse, inputs: Sequence[Version]) -> dict[str, Any]:
    return {
        "input": inputs[use.input].name,
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


def render_steps(spec: Spec, counted: Mapping[str, Mapping[str, int]]) -> list[dict[str, Any]]:
    """Return the rows of each step of a report, in the order of the document."""
    steps = [spec.where(position) for position in range(len(spec.steps))]
    return [{"step": step, **_rows_of(counted.get(step, {}))} for step in steps]


def _rows_of(counts: Mapping[str, int]) -> dict[str, Any]:
    dropped = {
        name.removeprefix(_DROPPED): rows
        for name, rows in counts.items()
        if name.startswith(_DROPPED)
    }
    return {
        "rows_in": counts.get("rows_in", 0),
        "rows_out": counts.get("rows_out", 0),
        "dropped": dropped,
    }


def render_looked_up(
    spec: Spec, versions: Sequence[Version], report: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return which inputs steps of a run look up, and what was read of them; None for none."""
    found = [
        {"name": version.name, "steps": list(spec.looked_up_by(number))}
        for number, version in enumerate(versions)
        if number in spec.joined
    ]
    if not found:
        return None
    counted = report.get("beside", {})
    return {
        "inputs": found,
        "rows": counted.get("rows_in"),
        "quarantined": counted.get("quarantined"),
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
