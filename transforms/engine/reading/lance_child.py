"""Reads Lance, in a process of its own: its library keeps threads, and may end it over damage.

This file is the child's side. The first frame tells in JSON a `folder` that holds a data set or a
part of it, and what is wanted: nothing more, and the answer is `TOLD`, the schema, and `FILES`, the
fragments in JSON with the files of each; or `columns` of some `fragments`, by their places, and the
answer is `TOLD` and then `ROWS`; or all rows of the `file` alone, whether they are deleted or not.
"""

from __future__ import annotations

import importlib
import json
import resource
import signal
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from transforms.engine.module_child import (
    MEMORY_BYTES,
    ROWS,
    WRONG,
    read_frame,
    to_stream,
    write_frame,
)
from transforms.engine.reading.child import DONE, TOLD

FILES, ELSEWHERE = b"F", b"E"
BATCH_ROWS = 1024
SECONDS = 600
"""What a few fragments may take."""
DAMAGED = (pa.ArrowException, OSError, ValueError, RuntimeError, KeyError, MemoryError)


def files_of(fragment: Any) -> list[str]:
    """Return the paths of what holds the rows of a fragment, and says which are deleted."""
    held = fragment.metadata
    deleted = [] if held.deletion_file is None else [held.deletion_file.path(held.id)]
    return [*(f"data/{file.path}" for file in held.files), *deleted]


def _answer(asked: Any, target: BinaryIO) -> None:
    if "file" in asked:
        reader = importlib.import_module("lance.file").LanceFileReader(asked["file"])
        _give(reader.read_all(batch_size=BATCH_ROWS, batch_readahead=1).to_batches(), target)
        return
    found = importlib.import_module("lance").dataset(asked["folder"])
    fragments: Sequence[Any] = found.get_fragments()
    if found.base_paths():
        write_frame(target, ELSEWHERE, b"")
        return
    write_frame(target, TOLD, found.schema.serialize().to_pybytes())
    if "fragments" not in asked:
        told = [{"files": files_of(each), "rows": each.metadata.num_rows} for each in fragments]
        write_frame(target, FILES, json.dumps(told).encode())
        return
    folder = Path(asked["folder"])
    for at in asked["fragments"]:
        if not all((folder / path).is_relative_to(folder) for path in files_of(fragments[at])):
            write_frame(target, ELSEWHERE, b"")
            return
        columns = asked["columns"]
        nested = any("." in name for name in columns)  # else taken for members of structs
        batches = fragments[at].to_batches(
            columns=None if nested else columns, batch_size=BATCH_ROWS, batch_readahead=1
        )
        if _give(batches, target) != fragments[at].metadata.num_rows:
            raise ValueError("a fragment has other rows than it says")


def _give(batches: Iterable[pa.RecordBatch], target: BinaryIO) -> int:
    """Answer with batches; return how many rows they have."""
    rows = 0
    for batch in batches:
        rows += batch.num_rows
        write_frame(target, ROWS, to_stream(batch))
    return rows


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    signal.alarm(SECONDS)  # ends the process even where nobody is left to do it
    source, target = sys.stdin.buffer, sys.stdout.buffer
    first = read_frame(source)
    if first is None:
        return
    try:
        _answer(json.loads(first[1]), target)
    except DAMAGED as error:
        write_frame(target, WRONG, type(error).__name__.encode())
    else:
        write_frame(target, DONE, b"")
