"""Rows of every kind, and parts of them written by one format into a folder."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from core.digests import Digest
from core.manifest import FileEntry
from transforms.engine.output import Output, OutputFormat
from transforms.engine.sources import LocalFolder
from transforms.engine.writing.base import Part, Whole
from transforms.engine.writing.registry import FORMATS

NAME = "/acme/nlp/~/out"
PNG, JPG = b"\x89PNG\r\n\x1a\nrest", b"\xff\xd8\xffrest"
RUN = Digest("sha256:" + "ab" * 32)


def rows(count: int = 7) -> pa.Table:
    """Return rows with text, numbers, bytes and token ids, none of them null."""
    return pa.table(
        {
            "id": pa.array([f"s{row}" for row in range(count)], pa.string()),
            "text": pa.array([f'é "{row}",\n' * (row % 3) for row in range(count)], pa.string()),
            "n": pa.array([row - 3 for row in range(count)], pa.int64()),
            "x": pa.array([row / 4 for row in range(count)], pa.float32()),
            "image": pa.array([PNG if row % 2 else JPG for row in range(count)], pa.binary()),
            "input_ids": pa.array(
                [list(range(row, row * 2)) for row in range(count)], pa.list_(pa.int32())
            ),
        }
    )


def with_nulls(count: int = 7) -> pa.Table:
    """Return rows with a null in every column, dates among them."""
    day = datetime.date(2024, 2, 29)
    return pa.table(
        {
            "text": pa.array([None if row == 2 else f"t{row}" for row in range(count)]),
            "n": pa.array([None if row == 3 else row for row in range(count)], pa.int32()),
            "day": pa.array([None if row == 4 else day for row in range(count)]),
            "flag": pa.array([None if row == 5 else row % 2 == 0 for row in range(count)]),
        }
    )


def write(
    folder: Path,
    chosen: OutputFormat,
    table: pa.Table,
    cuts: Sequence[int] = (),
    output: Output | None = None,
    group_rows: int = 3,
) -> tuple[FileEntry, ...]:
    """Write `table` as one part, handed over in batches that end at `cuts`; then the indexes."""
    fmt, asked = FORMATS[chosen], output or Output(NAME, chosen)
    assert list(fmt.problems(table.schema, asked)) == []
    name = fmt.ONLY_PART
    stem = "/".join(folder for folder in (name, fmt.FOLDER, "part-00000") if folder)
    part = Part(LocalFolder(folder), stem, 0, table.schema, group_rows)
    ends = [*cuts, table.num_rows]
    with fmt.start(part, asked) as writer:
        for start, end in zip([0, *cuts], ends, strict=True):
            for batch in table.slice(start, end - start).to_batches():
                writer.write(batch)
        files = writer.close()
    for key, data in fmt.indexes(Whole(table.schema, asked, RUN, [name], files)):
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes(data)
    return files


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
