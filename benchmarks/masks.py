"""What does it cost to read masked? Our stream beside the plain one, and DuckDB doing the same.

A Parquet file of 2,000,000 people is read to its end as an Arrow IPC stream: as it is; with a row
filter; with the filter and three masks (last4, year, bucket); and with a hash besides, HMAC-SHA256
over 500,000 distinct e-mail addresses. DuckDB reads the same file with the same filter and masks in
SQL, one thread to our one, and its batches are written as the same stream. Both must show the same
rows, value by value. A ratio is rows of the file per second, ours to the other's.
"""

from __future__ import annotations

import hashlib
import hmac
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.harness import (
    Figure,
    finish,
    in_turns,
    options,
    paired,
    print_conditions,
    spread,
)
from governance.engine.conditions import Condition, OneOf
from governance.engine.obligations import Obligations, parse_masks
from governance.engine.rewriting import Kept, Rewriting
from governance.engine.rows import to_sql
from movement.engine import tables
from movement.engine.frames import arrow_frames

ROWS, DISTINCT = 2_000_000, 500_000
QUICK_ROWS, QUICK_DISTINCT = 20_000, 5_000
SEED = 20261125
COUNTRIES = ["AT", "BE", "CH", "DE", "DK", "ES", "FR", "IT", "NL", "PL"]
KEY = b"k" * 32
FILTER = OneOf("country", frozenset({"DE", "FR", "NL"}))
MASKS = "phone=last4; birth=year; age=bucket:10"
HASHED = MASKS + "; email=hash"
_PADS = [bytes(byte ^ pad for byte in KEY.ljust(64, b"\0")) for pad in (0x36, 0x5C)]
_SHOWN = {
    "phone": "CASE WHEN length(phone) >= 8 THEN '•••' || right(phone, 4) ELSE '•••' END",
    "birth": "CAST(date_trunc('year', birth) AS DATE)",
    "age": "CAST(floor(age / 10) * 10 AS BIGINT)",
    "email": "sha256($outer || unhex(sha256($inner || encode(email))))",
}


@dataclass(frozen=True)
class Case:
    """A way to read the file; `goals` are those of its ratio to the plain stream and to DuckDB."""

    name: str
    masks: str
    rows: Condition
    goals: tuple[float | None, float | None]


CASES = [
    Case("filtered", "", FILTER, (0.7, 0.7)),
    Case("masked", MASKS, FILTER, (0.7, 0.7)),
    Case("hashed", HASHED, FILTER, (None, 0.7)),
]
PLAIN = Case("plain", "", True, (None, None))


def people(rows: int, distinct: int, path: Path) -> None:
    chance = np.random.default_rng(SEED)
    numbers = chance.integers(0, distinct, rows)
    pick: Any = pa.array(numbers)  # the stubs take an array of numpy for one of booleans
    countries: Any = pa.array(chance.integers(0, 10, rows))
    emails = pa.array([f"person.{n}@example{n % 97}.org" for n in range(distinct)])
    phones = pa.array([f"+49{n * 7919 % 10**10:010d}" for n in range(distinct)])
    table = pa.table(
        {
            "id": pa.array(range(rows), pa.int64()),
            "email": emails.take(pick),
            "phone": phones.take(pick),
            "birth": pa.array(chance.integers(-14_000, 14_000, rows).astype(np.int32), pa.date32()),
            "age": pa.array(chance.integers(0, 100, rows)),
            "country": pa.array(COUNTRIES).take(countries),
            "text": emails.take(pc.bit_wise_xor(pick, 1)),
        }
    )
    pq.write_table(table, path, row_group_size=128 * 1024)


def ours(case: Case, path: Path) -> Iterator[bytes]:
    source = tables.Source(str(path), lambda: path.open("rb"), lambda: path.open("rb"))
    table = tables.open_table(tables.Kind("parquet"), source)
    kept = Kept(Obligations(masks=parse_masks(case.masks, "here"), rows=case.rows), key=KEY)
    rewriting = Rewriting(table.schema, kept)
    seen = (rewriting.apply(batch) for batch in table.batches(rewriting.read))
    return arrow_frames(rewriting.schema, (batch for batch in seen if batch.num_rows))


def duck(case: Case, path: Path) -> Iterator[bytes]:
    schema = pq.read_schema(path)
    masks = parse_masks(case.masks, "here")
    shown = [f"{_SHOWN[n]} AS {n}" if n in masks else n for n in schema.names]
    where = to_sql(case.rows, schema)
    values: dict[str, str | bool | int | bytes] = {
        f"v{at}": value for at, value in enumerate(where.values)
    }
    text = where.text
    for name in values:
        text = text.replace("?", f"${name}", 1)
    if "email" in masks:
        values |= {"inner": _PADS[0], "outer": _PADS[1]}
    with duckdb.connect(config={"threads": 1}) as connection:
        query = f"SELECT {', '.join(shown)} FROM '{path}' WHERE {text}"
        reader = connection.sql(query, params=values).to_arrow_reader(tables.BATCH_ROWS)
        yield from arrow_frames(reader.schema, reader)


def seconds(stream: Iterator[bytes]) -> float:
    began = time.perf_counter()
    for _ in stream:
        pass
    return time.perf_counter() - began


def check(case: Case, path: Path) -> None:
    """End when the two do not show the same."""
    left, right = (
        pa.ipc.open_stream(b"".join(stream)).read_all().sort_by("id")
        for stream in (ours(case, path), duck(case, path))
    )
    if left.num_rows != right.num_rows or not left.num_rows:
        sys.exit(f"{case.name}: {left.num_rows} rows here, {right.num_rows} there")
    for name in left.schema.names:
        theirs = right.column(name).cast(left.schema.field(name).type)
        if not left.column(name).equals(theirs):
            sys.exit(f"{case.name}: {name} differs")
    if "email" in case.masks:
        raw = pq.read_table(path, columns=["id", "email"]).filter(
            pc.field("id") == left.column("id")[0]
        )
        token = hmac.new(KEY, raw.column("email")[0].as_py().encode(), hashlib.sha256)
        assert left.column("email")[0].as_py() == token.hexdigest()


def measured(case: Case, path: Path, rows: int, pairs: int) -> Iterator[Figure]:
    def us(_: int) -> float:
        return seconds(ours(case, path))

    def plain(_: int) -> float:
        return seconds(ours(PLAIN, path))

    def them(_: int) -> float:
        return seconds(duck(case, path))

    for peer, read, goal in zip(("plain", "duckdb"), (plain, them), case.goals, strict=True):
        speeds = [(rows / one, rows / other) for one, other in in_turns(pairs, us, read)]
        name = f"{case.name}_beside_{peer}"
        print(spread(name, speeds), flush=True)
        yield paired(name, "rows/s", speeds, goal)


def main() -> int:
    asked = options(__doc__)
    rows, distinct = (QUICK_ROWS, QUICK_DISTINCT) if asked.quick else (ROWS, DISTINCT)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="fairmesh-masks-") as home:
        path = Path(home) / "people.parquet"
        people(rows, distinct, path)
        sizes = f"{rows} rows, {distinct} distinct e-mails, {path.stat().st_size >> 20} MiB; "
        print_conditions(asked, sizes + "the filter keeps 3 of 10 rows", ["pyarrow", "duckdb"])
        for case in CASES:
            check(case, path)
        for case in CASES:
            figures += measured(case, path, rows, asked.pairs)
    return finish(figures, judge=not asked.quick)


if __name__ == "__main__":
    sys.exit(main())
