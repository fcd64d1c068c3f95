"""The first rows of a tabular file, read from as few bytes as possible, as JSON values."""

from __future__ import annotations

import base64
import io
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from core.cells import Row, rows_of
from movement.engine.inspect import HEAD_BYTES, MEDIA_TYPES

TEXT_MAX, ITEMS_MAX = 1_000, 50
"""Characters of a text and items of a list that are shown; the rest is cut."""
TABULAR = frozenset({MEDIA_TYPES[".parquet"], MEDIA_TYPES[".jsonl"], MEDIA_TYPES[".csv"]})


@dataclass(frozen=True)
class Preview:
    """Columns as (name, type), rows by column, and whether there is more than is shown."""

    columns: tuple[tuple[str, str], ...]
    rows: list[Row]
    truncated: bool


NOTHING = Preview((), [], False)


def preview(media_type: str, size: int, open_file: Callable[[], BinaryIO], count: int) -> Preview:
    """Return the first `count` rows; NOTHING for what is not tabular or cannot be read as such."""
    try:
        with open_file() as file:
            if media_type == MEDIA_TYPES[".parquet"]:
                return _of_parquet(file, count)
            if media_type == MEDIA_TYPES[".jsonl"]:
                return _of_jsonl(_head(file, size), size, count)
            if media_type == MEDIA_TYPES[".csv"]:
                return _of_csv(_head(file, size), size, count)
    except pa.ArrowInvalid:
        return NOTHING
    return NOTHING


def _head(file: BinaryIO, size: int) -> bytes:
    head = file.read(HEAD_BYTES)
    return head if len(head) == size else head[: head.rfind(b"\n") + 1]


def _of_parquet(file: BinaryIO, count: int) -> Preview:
    parquet = pq.ParquetFile(file)
    batch = next(parquet.iter_batches(batch_size=count), None) if count else None
    rows = [] if batch is None else rows_of(batch)
    columns = [(field.name, str(field.type)) for field in parquet.schema_arrow]
    return _shown(columns, rows, parquet.metadata.num_rows > len(rows))


def _of_csv(head: bytes, size: int, count: int) -> Preview:
    if not head:
        return NOTHING
    options = pa.csv.ParseOptions(invalid_row_handler=lambda row: "skip")
    table = pa.csv.read_csv(io.BytesIO(head), parse_options=options)
    columns = [(field.name, str(field.type)) for field in table.schema]
    more = table.num_rows > count or len(head) < size
    return _shown(columns, rows_of(table.slice(0, count)), more)


def _of_jsonl(head: bytes, size: int, count: int) -> Preview:
    """Read line by line, so that a broken line hides only itself."""
    read = _objects(head.splitlines())
    rows = [row for _, row in zip(range(count), read, strict=False)]
    more = next(read, None) is not None or len(head) < size
    names = dict.fromkeys(name for row in rows for name in row)
    columns = [(name, _type_of([row.get(name) for row in rows])) for name in names]
    return _shown(columns, rows, more)


def _objects(lines: Iterable[bytes]) -> Iterator[Row]:
    for line in lines:
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value


def _type_of(values: list[Any]) -> str:
    try:
        return str(pa.array(values).type)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return "mixed"


def shown(schema: pa.Schema, rows: Sequence[Mapping[str, object]], more: bool) -> Preview:
    """Return rows that were read already, and `more` when there are others."""
    return _shown([(field.name, str(field.type)) for field in schema], rows, more)


def _shown(
    columns: Sequence[tuple[str, str]], rows: Sequence[Mapping[str, object]], more: bool
) -> Preview:
    names = [name for name, _ in columns]
    cut = [{name: as_json(row.get(name)) for name in names} for row in rows]
    return Preview(tuple(columns), cut, more)


def as_json(value: object, *, whole: bool = False) -> object:
    """Return a cell as a JSON value; what JSON has no word for becomes a text.

    It is of bounded size, unless it is to be `whole`.
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return value if whole or len(value) <= TEXT_MAX else value[:TEXT_MAX] + "…"
    if isinstance(value, bytes):
        return base64.b64encode(value if whole else value[:TEXT_MAX]).decode()
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal | timedelta):
        return str(value)
    most = None if whole else ITEMS_MAX
    if isinstance(value, Mapping):
        kept = islice(value.items(), most)
        return {str(key): as_json(inner, whole=whole) for key, inner in kept}
    if isinstance(value, Sequence):
        return [as_json(inner, whole=whole) for inner in value[:most]]
    return str(value)
