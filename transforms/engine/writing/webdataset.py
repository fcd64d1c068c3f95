"""WebDataset: tar archives in which the members of one sample share a key."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import ClassVar, cast

import pyarrow as pa

from core.errors import Invalid, InvalidSpec
from transforms.engine.arrow import Column, values_of
from transforms.engine.magic import suffix_of
from transforms.engine.output import Compression, Output
from transforms.engine.problems import Problem, problems_of, require_column
from transforms.engine.writing import tar
from transforms.engine.writing.base import Format, Part, PartWriter
from transforms.engine.writing.values import dumped, has_json, json_values

MEDIA_TYPE = "application/x-tar"
_COLUMN = re.compile(r"[A-Za-z0-9_-]+")
_KEY = re.compile(r"(?!/)(?:[^/\0]+/)*[^/.\0]+")
_BUFFER_BYTES = 4 * 1024 * 1024
_SAME = {"jpeg": "jpg", "tif": "tiff"}

Ending = Callable[[bytes], bytes]
"""Answers the member's ending by its bytes."""


class WebDataset(Format):
    """A tar archive; each row is a sample, each value a member `<key>.<column>.<suffix>`.

    Text ends in `.txt`, bytes by what they are (`.jpg`, `.png`, `.wav`, …, else `.bin`), all else
    in `.json`; a column that is called like its suffix (`jpg`) does not repeat it. A null is no
    member. Without `key`, a sample is called after its shard and row.
    """

    NAME: ClassVar[str] = "webdataset"
    VERSION: ClassVar[int] = 1
    COMPRESSIONS: ClassVar[tuple[Compression, ...]] = ("none", "gzip")

    def problems(self, schema: pa.Schema, output: Output) -> Iterator[Problem]:
        yield from _key_problems(schema, output.key)
        members = [field for field in schema if field.name != output.key]
        if not members:
            yield Problem("output.format", "No column is left beside the key.")
        lowered = [field.name.lower() for field in members]
        for field in members:
            if not _COLUMN.fullmatch(field.name) or lowered.count(field.name.lower()) > 1:
                message = (
                    f"{field.name!r} cannot name a member: letters, digits, _ and - can, each "
                    "name once whatever its case. Rename it."
                )
                yield Problem("output.format", message)
            if not has_json(field.type):
                message = f"No member can hold {field.name!r}: {field.type}; leave it out."
                yield Problem("output.format", message)

    def start(self, part: Part, output: Output) -> PartWriter:
        return _WebDatasetPart(part, output.key, self.compression(output))


def _key_problems(schema: pa.Schema, key: str | None) -> Iterator[Problem]:
    if key is None:
        return
    try:
        kind = require_column(schema, key, "output.key").type
    except InvalidSpec as error:
        yield from problems_of(error)
        return
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if not text and not pa.types.is_integer(kind):
        yield Problem("output.key", f"{key!r} holds {kind}; text or a whole number can be a key.")


class _WebDatasetPart(PartWriter):
    """Memory: one batch, and 4 MiB beside it."""

    def __init__(self, part: Part, key: str | None, compression: Compression) -> None:
        super().__init__(part)
        self._key = key
        self._names = [name for name in part.schema.names if name != key]
        self._file = self.begin(".tar", MEDIA_TYPE, compression)
        self._last_key = b""

    def add(self, batch: pa.RecordBatch) -> None:
        keys = self._keys(batch)
        members = [_members(name, batch.column(name)) for name in self._names]
        held: list[bytes] = []
        held_bytes = 0
        for key, *values in zip(keys, *(data for data, _ in members), strict=True):
            count = len(held)
            for value, (_, ending) in zip(values, members, strict=True):
                if value is not None:
                    size = len(value)
                    name = b"%b.%b" % (key, ending(value))
                    held += (tar.header(name, size), value, tar.padding(size))
                    held_bytes += size
            if len(held) == count:
                raise Invalid(
                    f"The sample {key.decode()!r} has no value at all, and a tar archive cannot "
                    "hold it; filter such rows out."
                )
            if held_bytes >= _BUFFER_BYTES:
                self._file.write(b"".join(held))
                held, held_bytes = [], 0
        self._file.write(b"".join(held))

    def _keys(self, batch: pa.RecordBatch) -> list[bytes]:
        if self._key is None:
            first = self.rows - batch.num_rows
            shard = self.part.shard
            return [b"%05d-%07d" % (shard, row) for row in range(first, self.rows)]
        found = values_of(batch.column(self._key))
        return [self._checked(None if key is None else str(key)) for key in found]

    def _checked(self, key: str | None) -> bytes:
        """Return a key as bytes; raises Invalid where the reader would see another sample."""
        if key is None or not _KEY.fullmatch(key) or ".." in key.split("/"):
            raise Invalid(
                f"{key!r} in {self._key!r} cannot be the key of a sample: it must not be empty, "
                "begin with a slash or hold a dot. Choose another column, or none.",
            )
        if (found := key.encode()) == self._last_key:
            raise Invalid(
                f"Two samples one after the other have the key {key!r}, so a reader would take "
                f"them for one. Choose another column than {self._key!r}, or none."
            )
        self._last_key = found
        return found

    def end(self) -> None:
        self._file.write(tar.END)
        self.finish(self._file, self.rows)


def _members(name: str, column: Column) -> tuple[list[bytes | None], Ending]:
    """Return the bytes of each member of a column, and what tells their endings."""
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        text = values_of(column.cast(pa.large_binary()))
        return cast("list[bytes | None]", text), _always(name, "txt")
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return cast("list[bytes | None]", values_of(column)), _by_magic(name)
    values = (None if value is None else dumped(value) for value in json_values(column))
    return list(values), _always(name, "json")


def _ending(name: str, suffix: str) -> bytes:
    lowered = name.lower()
    repeats = _SAME.get(lowered, lowered) == suffix
    return (name if repeats else f"{name}.{suffix}").encode()


def _always(name: str, suffix: str) -> Ending:
    ending = _ending(name, suffix)
    return lambda data: ending


def _by_magic(name: str) -> Ending:
    known: dict[str, bytes] = {}

    def ending(data: bytes) -> bytes:
        suffix = suffix_of(data[:16])
        if suffix not in known:
            known[suffix] = _ending(name, suffix)
        return known[suffix]

    return ending
