"""JSON lines: one object a line."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.json as pj

from movement.engine.json_lines import begins_an_object, is_too_deep
from transforms.engine.arrow import reader_of
from transforms.engine.reading.inferring import spelled
from transforms.engine.reading.records import Bounds, Data, bytes_of
from transforms.engine.sources import ByteSource

_NEWLINE, _BRACE = 0x0A, 0x7B
_LOOK_AHEAD = 64 * 1024
_MOST_RUNS = 1000
"""Runs of lines of one kind that are looked at before the types are taken for mixed."""


def complete(data: bytes) -> int:
    """Return where the last whole line of `data` ends."""
    return data.rfind(b"\n") + 1


@dataclass(frozen=True, slots=True)
class JsonLines:
    """Reads the members that `schema` names; a missing member is null, others are left out."""

    schema: pa.Schema

    def complete(self, data: bytes) -> int:
        return complete(data)

    def bounds(self, data: Data) -> Bounds:
        newlines = np.flatnonzero(bytes_of(data) == _NEWLINE)
        ends = newlines + 1
        if data[-1] != _NEWLINE:
            ends = np.append(ends, len(data))
        starts = np.concatenate([np.zeros(1, np.int64), ends[:-1]])
        keep = bytes_of(data)[starts] == _BRACE
        no_row = np.zeros(len(keep), np.bool_)
        for position in np.flatnonzero(~keep):
            line = bytes(data[starts[position] : ends[position]])
            keep[position] = bool(line.strip())
            no_row[position] = not begins_an_object(line)
        return Bounds(starts[keep], ends[keep], no_row[keep])

    def parse(self, data: Data) -> pa.Table:
        table = _parse(data, self.schema)
        table.validate(full=True)
        return table


def _parse(data: Data, schema: pa.Schema | None) -> pa.Table:
    return pj.read_json(
        reader_of(data),
        read_options=pj.ReadOptions(use_threads=False, block_size=len(data) + 1),
        parse_options=pj.ParseOptions(
            explicit_schema=schema,
            unexpected_field_behavior="infer" if schema is None else "ignore",
        ),
    )


def infer(sample: bytes) -> pa.Schema:
    """Return the schema of the good lines of `sample`.

    One line, or one in a hundred, may be of other types than all others: a run sets it aside.
    Raises pa.ArrowInvalid where more of them are.
    """
    lines = [line for line in sample.splitlines() if _is_object(line)]
    if not lines:
        return pa.schema([])
    try:
        return _parse(b"\n".join(lines), None).schema
    except pa.ArrowInvalid as refusal:
        return _schema_of_most(lines, refusal)


def _schema_of_most(lines: list[bytes], refusal: pa.ArrowInvalid) -> pa.Schema:
    """Return the schema of lines that do not all fit together; raises `refusal` if many do not."""
    values: dict[str, Counter[pa.DataType]] = {}
    for number, table in enumerate(_alike(lines)):
        if number == _MOST_RUNS:
            raise refusal
        for field, column in zip(table.schema, table.columns, strict=True):
            counted = values.setdefault(field.name, Counter())
            counted[spelled(field.type)] += len(column) - column.null_count
    if not values:
        raise refusal
    found = {name: _type_of_most(counted) for name, counted in values.items()}
    most_odd = max(1, len(lines) // 100)
    if any(odd > most_odd or odd >= max(fit, 1) for _, fit, odd in found.values()):
        raise refusal
    return pa.schema([(name, kind) for name, (kind, _, _) in found.items()])


def _type_of_most(counted: Counter[pa.DataType]) -> tuple[pa.DataType, int, int]:
    """Return a type that holds the most values of a column, how many, and how many it does not."""
    (most, fit), *others = counted.most_common()
    odd = 0
    for kind, count in others:
        both = [pa.schema([("", each)]) for each in (most, kind)]
        try:
            most = pa.unify_schemas(both, promote_options="permissive").field(0).type
            fit += count
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            odd += count
    return most, fit, odd


def _alike(lines: list[bytes]) -> Iterator[pa.Table]:
    """Yield runs of lines that fit together; a line that is none by itself is an empty table."""
    try:
        yield _parse(b"\n".join(lines), None)
    except pa.ArrowInvalid:
        if len(lines) == 1:
            yield pa.table({})
            return
        middle = len(lines) // 2
        yield from _alike(lines[:middle])
        yield from _alike(lines[middle:])


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict) and not is_too_deep(line)
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
