"""JSON lines: one object a line."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.json as pj

from transforms.engine.arrow import reader_of
from transforms.engine.reading.records import Positions, bytes_of
from transforms.engine.sources import ByteSource

_NEWLINE, _BRACE = 0x0A, 0x7B
_LOOK_AHEAD = 64 * 1024


def complete(data: bytes) -> int:
    """Return where the last whole line of `data` ends."""
    return data.rfind(b"\n") + 1


@dataclass(frozen=True, slots=True)
class JsonLines:
    """Reads the members that `schema` names; a missing member is null, others are left out."""

    schema: pa.Schema

    def complete(self, data: bytes) -> int:
        return complete(data)

    def bounds(self, data: bytes) -> tuple[Positions, Positions]:
        newlines = np.flatnonzero(bytes_of(data) == _NEWLINE)
        ends = newlines + 1
        if not data.endswith(b"\n"):
            ends = np.append(ends, len(data))
        starts = np.concatenate([np.zeros(1, np.int64), ends[:-1]])
        keep = bytes_of(data)[starts] == _BRACE
        for position in np.flatnonzero(~keep):
            keep[position] = bool(data[starts[position] : ends[position]].strip())
        return starts[keep], ends[keep]

    def parse(self, data: bytes) -> pa.Table:
        table = _parse(data, self.schema)
        table.validate(full=True)
        return table


def _parse(data: bytes, schema: pa.Schema | None) -> pa.Table:
    return pj.read_json(
        reader_of(data),
        read_options=pj.ReadOptions(use_threads=False, block_size=len(data) + 1),
        parse_options=pj.ParseOptions(
            explicit_schema=schema,
            unexpected_field_behavior="infer" if schema is None else "ignore",
        ),
    )


def infer(sample: bytes) -> pa.Schema:
    """Return the schema that the good lines of `sample` have; raises pa.ArrowInvalid if mixed."""
    good = b"\n".join(line for line in sample.splitlines() if _is_object(line))
    return _parse(good, None).schema if good else pa.schema([])


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def next_line(source: ByteSource, position: int) -> int:
    """Return the start of the first line that begins at or behind `position`."""
    if position <= 0:
        return 0
    size = source.size
    at = position - 1
    while at < size:
        window = source.read_range(at, _LOOK_AHEAD)
        found = window.find(b"\n")
        if found >= 0:
            return at + found + 1
        at += len(window)
    return size
