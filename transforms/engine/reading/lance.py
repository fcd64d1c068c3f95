"""Data sets of Lance, read as a whole: its newest manifest says which rows of which files are left.

A file of `data/` alone may hold rows that were deleted, or one column of several. So the unit is a
fragment, and what it needs is copied into a folder of this machine, where `lance_child` reads it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from shutil import copyfileobj, disk_usage
from tempfile import TemporaryDirectory

import pyarrow as pa

from core.errors import Invalid, StoreUnavailable
from transforms.engine.module_child import ROWS, from_stream
from transforms.engine.reading.child import TOLD, damaged, frames
from transforms.engine.reading.columnar import fitted, plain
from transforms.engine.reading.lance_child import ELSEWHERE, FILES
from transforms.engine.sources import READ_BYTES, ByteSource, OpenInput

_VERSIONS = "_versions/"
_MANIFEST = re.compile(r"(|.*/)_versions/([0-9]{1,20})\.manifest")
_FROM_THE_END = 20
"""Digits of the names that count down from the largest number of 64 bits."""
_PROGRAM = "lance_child"


@dataclass(frozen=True, slots=True)
class Fragment:
    """Some rows of a data set, and the files of the version that they are read from."""

    files: tuple[str, ...]
    rows: int


def is_installed() -> bool:
    return find_spec("lance") is not None


def newest_manifests(paths: Iterable[str]) -> Mapping[str, str]:
    """Return the newest manifest of each data set among some files, by the data set's folder.

    A folder is empty, or ends in a slash. What lies within another data set is a part of that.
    """
    found: dict[str, tuple[int, str]] = {}
    for path in paths:
        if (named := _MANIFEST.fullmatch(path)) is not None:
            digits = named[2]
            count = 2**64 - 1 - int(digits) if len(digits) == _FROM_THE_END else int(digits)
            found[named[1]] = max(found.get(named[1], (-1, "")), (count, path))
    return {
        folder: path
        for folder, (_, path) in found.items()
        if not any(folder != other and folder.startswith(other) for other in found)
    }


def fragments_of(manifest: str, files: Iterable[str], open_input: OpenInput) -> list[Fragment]:
    """Return the fragments of a data set, of which `files` are all there are.

    Raises Invalid when it is damaged, has rows elsewhere, or its library is not installed here.
    """
    folder, there = _folder(manifest), frozenset(files)
    for kind, data in _of_data_set(manifest, (), open_input, {}):
        if kind != FILES:
            continue
        found = [
            Fragment(tuple(folder + path for path in each["files"]), each["rows"])
            for each in json.loads(data)
        ]
        for path in (path for each in found for path in each.files):
            if path not in there:
                raise Invalid(f"{manifest} names {path!r}, which is not there.", path=manifest)
        return found
    raise damaged(manifest, "nothing is told")


def schema_of(manifest: str, open_input: OpenInput) -> pa.Schema:
    """Return the columns, without metadata; raises as `fragments_of`."""
    for kind, data in _of_data_set(manifest, (), open_input, {}):
        if kind == TOLD:
            return pa.schema([plain(field) for field in pa.ipc.read_schema(pa.py_buffer(data))])
    raise damaged(manifest, "nothing is told")


def batches_of(
    manifest: str, files: Sequence[str], fragments: range, open_input: OpenInput, schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of some fragments, of which `files` are what they need.

    Disk: these files. Memory: a batch here, some there. Raises as `fragments_of`.
    """
    asked = {"fragments": list(fragments), "columns": schema.names}
    for kind, data in _of_data_set(manifest, files, open_input, asked):
        if kind == TOLD:
            names = pa.ipc.read_schema(pa.py_buffer(data)).names
            if missing := [name for name in schema.names if name not in names]:
                told = f"{manifest} lacks the columns {', '.join(missing)}."
                raise Invalid(told, path=manifest)
        elif kind == ROWS:
            batch = from_stream(data).select(schema.names)
            batch.validate(full=True)
            yield fitted(batch, schema, manifest)


def rows_of_file(path: str, source: ByteSource) -> Iterator[pa.RecordBatch]:
    """Yield all rows that a data file holds, those that its data set has deleted, too.

    Raises Invalid when it is damaged, or as old as Lance's first format.
    """
    with _copied(["file.lance"], "", lambda _: source) as place:
        for kind, data in frames(_PROGRAM, path, {"file": str(place / "file.lance")}):
            if kind == ROWS:
                batch = from_stream(data)
                batch.validate(full=True)
                yield batch


def _of_data_set(
    manifest: str, files: Sequence[str], open_input: OpenInput, asked: Mapping[str, object]
) -> Iterator[tuple[bytes, bytes]]:
    """Yield what the child says of a data set of which no more than some files are copied."""
    if not is_installed():
        raise Invalid(
            f"{manifest} is of a data set of Lance; the extra `lance`, which reads it, is not "
            "installed here.",
            path=manifest,
        )
    with _copied((manifest, *files), _folder(manifest), open_input) as place:
        for kind, data in frames(_PROGRAM, manifest, {"folder": str(place), **asked}):
            if kind == ELSEWHERE:
                raise Invalid(
                    f"{manifest} is of a data set with rows elsewhere, as a shallow clone has; "
                    "publish a deep one.",
                    path=manifest,
                )
            yield kind, data


def _folder(manifest: str) -> str:
    return manifest.rpartition(_VERSIONS)[0]


@contextmanager
def _copied(paths: Iterable[str], folder: str, open_input: OpenInput) -> Iterator[Path]:
    """Give a folder of this machine in which some files lie as they do below `folder`.

    Begins only where there is room for all. Raises StoreUnavailable while there is none: the run
    waits with that reason, and goes on by itself.
    """
    sources = {path.removeprefix(folder): open_input(path) for path in paths}
    needed = sum(source.size for source in sources.values())
    with TemporaryDirectory() as place:
        free = disk_usage(place).free
        if needed > free:
            raise StoreUnavailable(
                f"Data of Lance are read from a copy on the worker's disk, here of {needed} bytes, "
                f"and {free} are free there. Free some, or give the workers a TMPDIR with more."
            )
        for path, source in sources.items():
            target = Path(place, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            with source.open() as stream, target.open("wb") as copied:
                copyfileobj(stream, copied, READ_BYTES)
        yield Path(place)
