"""Files of every format that a run reads, and what chance does to their bytes."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from random import Random
from typing import Literal

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.orc
import pyarrow.parquet as pq
import zstandard

from transforms.engine.output import Output, OutputFormat
from transforms.engine.sources import MemoryFolder
from transforms.engine.writing.base import Part
from transforms.engine.writing.registry import FORMATS

COUNT = 60
SCHEMA: Mapping[str, str] = {"n": "int64", "text": "string", "x": "float64", "tags": "list<string>"}
ROWS: list[dict[str, object]] = [
    {
        "n": n,
        "text": f'row {n}, "quoted"' if n % 3 else "two\nlines é",
        "x": n / 8,
        "tags": [str(n)] * (n % 4),
    }
    for n in range(COUNT)
]
TABLE = pa.Table.from_pylist(ROWS)
_TOKENS = (
    *(
        b"\n",
        b"\r\n",
        b'"',
        b",",
        b"{",
        b"}",
        b"[",
        b"\\",
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
        b" " * 5,
    ),
    *(b"-1", b"1e999", b"9" * 40, b"null", b"{}", b"[]" * 40, b'"n":', b'{"n": 1}', b"\\ud800"),
    *(b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"PAR1", b"ARROW1"),
)


def _jsonl() -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in ROWS)


def _csv() -> bytes:
    sink = io.BytesIO()
    pacsv.write_csv(TABLE.drop_columns(["tags"]), sink)
    return sink.getvalue()


def _parquet(**how: object) -> bytes:
    sink = io.BytesIO()
    pq.write_table(TABLE, sink, row_group_size=20, **how)  # type: ignore[arg-type]
    return sink.getvalue()


def _arrow(*, stream: bool, compression: Literal["lz4"] | None = None) -> bytes:
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    table = TABLE.set_column(1, "text", TABLE["text"].dictionary_encode())
    with new(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=20)
    return sink.getvalue()


def _orc(compression: Literal["UNCOMPRESSED", "ZLIB"]) -> bytes:
    sink = pa.BufferOutputStream()
    pyarrow.orc.write_table(TABLE, sink, stripe_size=1, batch_size=20, compression=compression)
    return sink.getvalue().to_pybytes()


def _tar() -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for row in ROWS:
            for ending, data in (("txt", str(row["text"])), ("n.json", str(row["n"]))):
                header = tarfile.TarInfo(f"{row['n']:05d}.{ending}")
                header.size = len(data.encode())
                archive.addfile(header, io.BytesIO(data.encode()))
    return sink.getvalue()


def _of_a_run(chosen: OutputFormat, table: pa.Table) -> bytes:
    """Return the file that a run writes, in a format of which no other writer is at hand."""
    folder, output = MemoryFolder(), Output("/a/~/b", chosen)
    with FORMATS[chosen].start(Part(folder, "part", 0, table.schema, 20), output) as writer:
        for batch in table.to_batches():
            writer.write(batch)
        (file,) = writer.close()
    return folder.objects[file.path]


def _tfrecord() -> bytes:
    return _of_a_run("tfrecord", TABLE.set_column(2, "x", TABLE["x"].cast(pa.float32())))


FILES: Mapping[str, bytes] = {
    "a.jsonl": _jsonl(),
    "a.jsonl.gz": gzip.compress(_jsonl()),
    "a.jsonl.zst": zstandard.compress(_jsonl()),
    "a.csv": _csv(),
    "a.csv.gz": gzip.compress(_csv()),
    "a.csv.zst": zstandard.compress(_csv()),
    "plain/a.parquet": _parquet(compression="none", use_dictionary=False),
    "snappy/a.parquet": _parquet(),
    "v2/a.parquet": _parquet(
        compression="zstd", data_page_version="2.0", write_page_index=True,
        use_dictionary=["text"], column_encoding={"n": "DELTA_BINARY_PACKED"},
    ),
    "a.arrow": _arrow(stream=False),
    "lz4/a.arrow": _arrow(stream=False, compression="lz4"),
    "stream/a.arrow": _arrow(stream=True),
    "a.orc": _orc("UNCOMPRESSED"),
    "zlib/a.orc": _orc("ZLIB"),
    "a.tar": _tar(),
    "a.tar.gz": gzip.compress(_tar()),
    "a.tfrecord": _tfrecord(),
    "a.tfrecord.gz": gzip.compress(_tfrecord()),
    "a.mds": _of_a_run("mds", TABLE),
    "a.mds.zstd": zstandard.compress(_of_a_run("mds", TABLE)),
}  # fmt: skip
"""One sound file of each kind, all of them of the same rows; a folder tells how it was written."""


def damage(chance: Random, data: bytes) -> bytes:
    """Return `data` after one to six mishaps."""
    held = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        chance.choice(_MISHAPS)(chance, held)
    return bytes(held)


def _place(chance: Random, held: bytearray) -> int:
    """Return a place, one time in three near an end: there stands what tells of all others."""
    size = len(held)
    if size and chance.random() < 1 / 3:
        return chance.choice(
            (min(chance.randrange(64), size), size - 1 - chance.randrange(min(size, 512)))
        )
    return chance.randrange(size + 1)


def _flip(chance: Random, held: bytearray) -> None:
    if held:
        held[_place(chance, held) % len(held)] ^= 1 << chance.randrange(8)


def _overwrite(chance: Random, held: bytearray) -> None:
    data = chance.randbytes(chance.randrange(1, 9))
    at = _place(chance, held)
    held[at : at + len(data)] = data


def _insert(chance: Random, held: bytearray) -> None:
    at = _place(chance, held)
    held[at:at] = chance.choice((chance.randbytes(chance.randrange(1, 9)), chance.choice(_TOKENS)))


def _put(chance: Random, held: bytearray) -> None:
    token, at = chance.choice(_TOKENS), _place(chance, held)
    held[at : at + len(token)] = token


def _leave_out(chance: Random, held: bytearray) -> None:
    at = _place(chance, held)
    del held[at : at + chance.randrange(1, 200)]


def _repeat(chance: Random, held: bytearray) -> None:
    at, size = _place(chance, held), chance.randrange(1, 200)
    held[at:at] = held[at : at + size]


def _blank(chance: Random, held: bytearray) -> None:
    at, size = _place(chance, held), chance.randrange(1, 100)
    held[at : at + size] = bytes(min(size, len(held) - at))


def _cut_off(chance: Random, held: bytearray) -> None:
    del held[_place(chance, held) :]


_MISHAPS: tuple[Callable[[Random, bytearray], None], ...] = (
    _flip, _flip, _overwrite, _insert, _put, _leave_out, _repeat, _blank, _cut_off,
)  # fmt: skip
