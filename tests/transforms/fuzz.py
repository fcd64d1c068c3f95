"""Runs over damaged files, one after the other, in a process that may die of them.

Each line of the input is a case, a file and a seed. Each is told before it is begun, so that the
parent knows which one ended the process, and then how it ended; a fault with its traceback. What
takes too long ends the process.
"""

from __future__ import annotations

import faulthandler
import gzip
import hashlib
import io
import json
import os
import resource
import sys
import traceback
from collections import Counter
from contextlib import suppress
from functools import partial
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from core.errors import Invalid
from movement.engine.inspect import inspect, media_type_of
from movement.engine.tables import Source, kind_of, open_table
from tests.transforms.damaged import FILES, ROWS, SCHEMA, damage
from tests.transforms.steps import no_tokenizer
from transforms.engine.encoders import Encoders
from transforms.engine.plan import InputFile, plan
from transforms.engine.result import RunReport
from transforms.engine.run_local import run
from transforms.engine.scanning import NotText, blocks_of
from transforms.engine.sources import MemoryFolder, MemorySource, Workspace
from transforms.engine.spec import read_spec

MEMORY, SECONDS = 4 * 1024**3, 20
FRAME_BYTES = 12
"""What stands before the data of a record of TFRecord."""
Rows = list[dict[str, object]]


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    faulthandler.enable()
    for case in sys.stdin.read().splitlines():
        path, seed = case.split()
        _tell("case", case)
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        try:
            _tell("end", try_one(path, int(seed)))
        except Exception:  # noqa: BLE001 - every one is a fault
            _tell("fault", json.dumps(traceback.format_exc(limit=-6)))
    os._exit(0)  # Arrow's threads may abort a process that ends while they run


def _tell(word: str, what: str) -> None:
    sys.stdout.write(f"{word} {what}\n")
    sys.stdout.flush()


def try_one(path: str, seed: int) -> str:
    """Return how a run over the damaged file ended; raises AssertionError, or what it must not."""
    chance = Random(f"{path}/{seed}")
    data = damage(chance, FILES[path])
    schema = SCHEMA if chance.random() < 0.5 else None
    if schema and ".csv" in path:
        schema = {name: kind for name, kind in schema.items() if name != "tags"}
    if schema and ".tar" in path:
        schema = {"key": "string", "n": "int64", "txt": "string"}
    _look(path, data)
    try:
        found = _done(path, data, schema, chance.choice((100, 1000, 2**25)))
    except Invalid as error:
        _check_refusal(path, error)
        return "refused"
    report, rows, bad = found
    assert report.rows_in == len(rows) + len(bad) == report.rows_out + report.quarantined
    if ".jsonl" in path:
        _check_lines(_unpacked(path, data), rows, bad, declared=schema is not None)
    elif ".csv" in path:
        _check_records(_unpacked(path, data), report, bad)
    elif ".tfrecord" in path:
        _check_framed(_unpacked(path, data), report, bad)
    elif ".mds" in path:
        plain = _unpacked(path, data)
        assert report.rows_in == int.from_bytes(plain[:4], "little")
        _check_places(plain, bad)
    return "some set aside" if bad else "read"


def _look(path: str, data: bytes) -> None:
    """Have the file looked at when it is uploaded, scanned, and shown to a masked reader."""
    opened = partial(io.BytesIO, data)
    inspect(media_type_of(path), len(data), opened)
    if not path.endswith(".orc"):  # it is read as a run reads it
        with suppress(Invalid, NotText):
            for block in blocks_of(path, MemorySource(data)):
                assert all(len(column) <= block.rows for _, column in block.columns)
    if (kind := kind_of(path)) is not None:
        with suppress(Invalid):
            table = open_table(kind, Source(path, opened, opened))
            for batch in table.batches(table.schema.names):
                batch.validate(full=True)


def _done(path: str, data: bytes, schema: object, shard_bytes: int) -> tuple[RunReport, Rows, Rows]:
    """Return the report of a run over the file, its rows, and those set aside."""
    document = {
        "version": 1,
        "inputs": [{"name": "/a/~/in", **({"schema": schema} if schema else {})}],
        "steps": [{"sample": {"share": 1.0, "by": ["n"]}}],
        "output": {"name": "/a/~/out"},
    }
    file = InputFile(path, len(data), hashlib.sha256(data).hexdigest())
    output = MemoryFolder()
    planned = plan(
        read_spec(document), [file], lambda _: MemorySource(data), no_tokenizer, shard_bytes
    )
    workspace = Workspace(lambda _: MemorySource(data), MemoryFolder(), output)
    report = run(planned, workspace, Encoders(no_tokenizer))
    rows, bad = (
        [row for entry in entries for row in _table(output.objects[entry.path])]
        for entries in (report.outputs, report.quarantines)
    )
    return report, rows, bad


def _table(data: bytes) -> Rows:
    """Return the rows; without times, which damage may put beyond those that Python has."""
    table = pq.read_table(io.BytesIO(data))
    return table.select(
        [each.name for each in table.schema if not pa.types.is_temporal(each.type)]
    ).to_pylist()


def _check_refusal(path: str, error: Invalid) -> None:
    """A refusal says which file it is, or where in the document what would help is to be said."""
    problems = error.extra.get("errors") or [{"where": ""}]
    assert path in error.detail or problems[0]["where"], error.detail
    assert len(error.detail) < 1000, error.detail


def _unpacked(path: str, data: bytes) -> bytes:
    """Return the plain bytes by another way than the reader; raises where they are damaged."""
    if path.endswith(".gz"):
        return gzip.decompress(data)
    if path.endswith((".zst", ".zstd")):
        plain = b""
        while data:
            frame = zstandard.ZstdDecompressor().decompressobj()
            plain += frame.decompress(data)
            assert frame.eof, "the last frame has no end"
            data = frame.unused_data
        return plain
    return data


def _check_lines(data: bytes, rows: Rows, bad: Rows, *, declared: bool) -> None:
    """Each line is a row or set aside, and what nothing happened to is a row."""
    lines = [line for line in data.split(b"\n") if line.strip()]
    assert len(lines) == len(rows) + len(bad)
    _check_places(data, bad)
    if declared:
        sound = {json.dumps(row).encode(): row for row in ROWS}
        expected = Counter(repr(sound[line]) for line in lines if line in sound)
        assert not expected - Counter(map(repr, rows)), "a good row was lost"


def _check_records(data: bytes, report: RunReport, bad: Rows) -> None:
    """There are as many records as newlines outside of quotes part."""
    records, held = [], b""
    for line in data.splitlines(keepends=True) if data else []:
        held += line
        if held.endswith(b"\n") and held.count(b'"') % 2 == 0:
            records.append(held)
            held = b""
    records += [held] if held else []
    assert report.rows_in == sum(bool(each.strip(b"\r\n")) for each in records[1:])
    _check_places(data, bad)


def _check_framed(data: bytes, report: RunReport, bad: Rows) -> None:
    """There are as many records as the lengths before them part, and nothing is left."""
    count, at = 0, 0
    while at < len(data):
        at += FRAME_BYTES + int.from_bytes(data[at : at + 8], "little") + 4
        count += 1
    assert (at, count) == (len(data), report.rows_in)
    _check_places(data, bad, FRAME_BYTES)


def _check_places(data: bytes, bad: Rows, before: int = 0) -> None:
    for row in bad:
        raw, at = row["raw"], row["byte_offset"]
        assert isinstance(raw, bytes)
        assert isinstance(at, int)
        assert data[at + before : at + before + len(raw)] == raw
        assert row["error"]


if __name__ == "__main__":
    main()
