"""Lance: data sets that `lance.dataset(folder)` opens, with fixed names and without a clock.

The library writes the data files, to a folder of this machine, and names the parts in a manifest.
What it notes there of the moment, a time and an identifier drawn at random, is left out: the format
wants neither to read the rows.

It is imported where it is used: it takes 60 MB of each process, and none may fork behind it.
"""

from __future__ import annotations

import importlib
import struct
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, ClassVar, cast

import pyarrow as pa

from core.manifest import FileEntry
from transforms.engine.arrow import AnyField
from transforms.engine.output import Output
from transforms.engine.problems import Problem
from transforms.engine.protobuf import members
from transforms.engine.writing.base import Format, Part, PartWriter, Whole
from transforms.engine.writing.grouped import GroupedWriter, in_normal_form

MEDIA_TYPE = "application/x-lance"
FILE_VERSION = (2, 2)
"""That of the data files: a later library would else choose another."""
_PACKED = {"lance-encoding:compression": "zstd"}
_TEXTS = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_binary,
    pa.types.is_large_binary,
)
_FOOT = struct.Struct("<QHH4s")
_LENGTH = struct.Struct("<I")
_TIME, _TRANSACTION_FILE, _TRANSACTION_PLACES = 7, 12, (21, 23)
_OF_THE_MOMENT = {_TIME, _TRANSACTION_FILE, *_TRANSACTION_PLACES}
"""Members of the manifest that differ from commit to commit."""


class Lance(Format):
    """A data set of Lance: a file of `data/` for each part that has rows, and a manifest over all.

    It is version 1 of the data set, of the year 1970. With a split, each part is a data set of its
    own. Texts and bytes are packed by zstd, which their columns say (`lance-encoding:compression`);
    numbers as Lance chooses. Needs the extra `lance`.
    """

    NAME: ClassVar[str] = "lance"
    VERSION: ClassVar[int] = 1
    FOLDER: ClassVar[str] = "data"

    def problems(self, schema: pa.Schema, output: Output) -> Iterator[Problem]:
        """Ask the library itself, column by column, with no rows."""
        if not _is_installed():
            message = "The extra `lance` is not installed here; it brings pylance."
            yield Problem("output.format", message)
            return
        for field in schema:
            if not _can_hold(_fixed(field)):
                message = (
                    f"Lance cannot hold {field.name!r}: {field.type}; cast, rename or drop it."
                )
                yield Problem("output.format", message)

    def start(self, part: Part, output: Output) -> PartWriter:
        return _LancePart(part)

    def versions(self) -> Mapping[str, str]:
        return {"pylance": version("pylance")} if _is_installed() else {}

    def indexes(self, whole: Whole) -> Iterator[tuple[str, bytes]]:
        """One manifest for each part of the split: the columns, and its files with their rows."""
        for name in whole.parts:
            folder = f"{name}/" if name else ""
            with TemporaryDirectory() as place:
                path = _commit(f"{place}/set", whole.schema, whole.files_of(name))
                yield f"{folder}_versions/{path.name}", _timeless(path.read_bytes())


def _is_installed() -> bool:
    return find_spec("lance") is not None


def _library() -> Any:
    return importlib.import_module("lance")


def _can_hold(field: AnyField) -> bool:
    """Say whether a data set gives a column back as it was."""
    if _loses_nulls(field.type):
        return False
    empty = pa.schema([field]).empty_table()
    with TemporaryDirectory() as place:
        try:
            made = _library().write_dataset(empty, place, data_storage_version=_file_version())
            return bool(made.to_table().schema.equals(empty.schema))
        except (OSError, ValueError):
            return False


def _loses_nulls(kind: pa.DataType) -> bool:
    """Say whether there is a struct without members in a type: of it no null comes back."""
    return (pa.types.is_struct(kind) and not kind.num_fields) or any(
        _loses_nulls(kind.field(at).type) for at in range(kind.num_fields)
    )


def _fixed(field: AnyField) -> AnyField:
    """Return a field whose metadata fix how texts and bytes are packed, and say nothing else.

    Left to itself Lance packs them by a sample drawn at random, and writes several notes of a
    column in random order.
    """
    kind = field.type
    notes = _PACKED if any(ask(kind) for ask in _TEXTS) else None
    return pa.field(field.name, _fixed_type(kind), nullable=field.nullable, metadata=notes)


def _fixed_type(kind: Any) -> pa.DataType:
    """Return a type whose members are fixed, all the way down."""
    found: Any = kind
    if pa.types.is_map(kind):
        found = pa.map_(_fixed(kind.key_field), _fixed(kind.item_field), kind.keys_sorted)
    elif kind.num_fields:
        inner = [_fixed(kind.field(at)) for at in range(kind.num_fields)]
        if pa.types.is_struct(kind):
            found = pa.struct(inner)
        elif pa.types.is_fixed_size_list(kind):
            found = pa.list_(inner[0], kind.list_size)
        else:
            found = (pa.large_list if pa.types.is_large_list(kind) else pa.list_)(inner[0])
    return cast(pa.DataType, found)


def _fixed_schema(schema: pa.Schema) -> pa.Schema:
    return pa.schema([_fixed(field) for field in schema])


def _file_version() -> str:
    return ".".join(map(str, FILE_VERSION))


class _LancePart(GroupedWriter):
    """Memory: a group, and the pages of Lance, some 8 MiB. The file grows on this machine's disk
    and is sent when it is complete."""

    def __init__(self, part: Part) -> None:
        super().__init__(part)
        self._schema = _fixed_schema(part.schema)
        self._place = TemporaryDirectory()
        self._path = Path(self._place.name) / "part.lance"
        self._writer: Any = None

    def write_group(self, group: pa.Table) -> None:
        if self._writer is None:
            writer = importlib.import_module("lance.file").LanceFileWriter
            self._writer = writer(str(self._path), self._schema, version=_file_version())
        for batch in in_normal_form(group).cast(self._schema).to_batches():
            self._writer.write_batch(batch)

    def end_file(self) -> None:
        if self._writer is None:  # a fragment has rows
            return
        self._writer.close()
        file = self.begin(".lance", MEDIA_TYPE)
        with self._path.open("rb") as stream:
            while piece := stream.read(1024 * 1024):
                file.write(piece)
        self.finish(file, self.rows)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            super().__exit__(kind, error, trace)
        finally:
            self._writer = None
            self._place.cleanup()


def _commit(place: str, schema: pa.Schema, files: Sequence[FileEntry]) -> Path:
    """Commit the files as the first version of a data set that has a manifest alone; return it."""
    lance, fragment = _library(), importlib.import_module("lance.fragment")
    fixed = _fixed_schema(schema)
    ids = list(_leaves(lance.schema.LanceSchema.from_pyarrow(fixed).fields()))
    fragments = [
        fragment.FragmentMetadata(
            id=at,
            files=[
                fragment.DataFile(
                    file.path.rpartition("/")[2],
                    ids,
                    list(range(len(ids))),
                    *FILE_VERSION,
                    file.bytes,
                )
            ],
            physical_rows=file.rows,
        )
        for at, file in enumerate(files)
    ]
    lance.LanceDataset.commit(place, lance.LanceOperation.Overwrite(fixed, fragments))
    (path,) = Path(place, "_versions").glob("*.manifest")
    return path


def _leaves(fields: Sequence[Any]) -> Iterator[int]:
    """Yield the numbers of the columns that data files hold: those that have no members."""
    for field in fields:
        if members := field.children():
            yield from _leaves(members)
        else:
            yield field.id()


def _timeless(manifest: bytes) -> bytes:
    """Return a manifest without what differs from commit to commit.

    Its bytes: a transaction, the length of a message and the message, then where that stands.
    """
    place, major, minor, magic = _FOOT.unpack(manifest[-_FOOT.size :])
    (length,) = _LENGTH.unpack_from(manifest, place)
    start = place + _LENGTH.size
    kept = b"".join(
        manifest[each.start : each.end]
        for each in members(manifest, start, start + length)
        if each.number not in _OF_THE_MOMENT
    )
    return _LENGTH.pack(len(kept)) + kept + _FOOT.pack(0, major, minor, magic)
