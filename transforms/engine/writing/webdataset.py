"""WebDataset: tar archives in which the members of one sample share a key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from core.errors import Invalid, InvalidSpec
from transforms.engine.arrow import Column, Text, array_of, ends_of, numbers_in, text_of
from transforms.engine.magic import SUFFIXES, suffixes_of
from transforms.engine.output import Compression, Output
from transforms.engine.problems import Problem, problems_of, require_column
from transforms.engine.writing import tar
from transforms.engine.writing.base import Format, Part, PartWriter
from transforms.engine.writing.values import dumped, has_json, json_values

MEDIA_TYPE = "application/x-tar"
_COLUMN = re.compile(r"[A-Za-z0-9_-]+")
_KEY = r"\A(?:[^/\x00]+/)*[^/.\x00]+\z"
_RELATIVE = r"(?:\A|/)\.\.?/"
_SLICE_BYTES, _SLICE_ROWS = 4 * 1024 * 1024, 2048
_SAME = {"jpeg": "jpg", "tif": "tiff"}


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

    def tells_shards(self, output: Output) -> bool:
        return output.key is None

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
    """Memory: one batch, and three times a slice of 4 MiB beside it."""

    def __init__(self, part: Part, key: str | None, compression: Compression) -> None:
        super().__init__(part)
        self._key = key
        self._names = [name for name in part.schema.names if name != key]
        self._file = self.begin(".tar", MEDIA_TYPE, compression)
        self._last_key: object = None

    def add(self, batch: pa.RecordBatch) -> None:
        keys = self._keys(batch)
        members = [_members(name, batch.column(name)) for name in self._names]
        sizes = np.array([each.sizes for each in members])
        self._check_values(sizes)
        ends = np.cumsum(np.maximum(sizes, 0).sum(axis=0))
        start = passed = 0
        while start < len(keys):
            fitting = int(np.searchsorted(ends, passed + _SLICE_BYTES))
            end = min(max(fitting, start + 1), start + _SLICE_ROWS, len(keys))
            some = [each.between(start, end) for each in members]
            self._write(keys.slice(start, end - start), some)
            start, passed = end, int(ends[end - 1])

    def _write(self, keys: Column, members: list[_Members]) -> None:
        """Write samples: each member's header, bytes and padding end to end, row by row."""
        columns: list[Column] = []
        for each in members:
            names = _joined(keys, each.endings)
            present = pa.array(each.sizes >= 0)
            sizes = np.maximum(each.sizes, 0)
            for column in (tar.headers(names, sizes), each.values, tar.padding(sizes)):
                columns.append(column if each.is_whole else _where(present, column))
        joined = _joined(*columns)
        self._file.write(numbers_in(joined.buffers()[2], np.uint8)[: ends_of(joined)[-1]].data)

    def _check_values(self, sizes: npt.NDArray[np.int64]) -> None:
        if len(empty := np.flatnonzero((sizes < 0).all(axis=0))):
            row = self.rows - sizes.shape[1] + int(empty[0])
            raise Invalid(
                f"Row {row} of {self.part.stem} has no value at all, and a tar archive cannot hold "
                "it; filter such rows out."
            )

    def _keys(self, batch: pa.RecordBatch) -> Column:
        if self._key is None:
            first, shard = self.rows - batch.num_rows, self.part.shard
            told = [b"%05d-%07d" % (shard, row) for row in range(first, self.rows)]
            return array_of(told, pa.large_binary())
        keys = text_of(batch.column(self._key).cast(pa.large_string()))
        self._check_keys(keys)
        return keys.cast(pa.large_binary())

    def _check_keys(self, keys: Text) -> None:
        """Raise Invalid where the reader would see another sample.

        The error tells no key: who sees a run need not be allowed to see its rows.
        """
        fits = pc.and_not(
            pc.match_substring_regex(keys, _KEY), pc.match_substring_regex(keys, _RELATIVE)
        )
        if not fits.fill_null(False).to_numpy(zero_copy_only=False).all():
            raise Invalid(
                f"A value in {self._key!r} cannot be the key of a sample: it must not be missing "
                "or empty, begin with a slash or hold a dot. Choose another column, or none.",
            )
        if not len(keys):
            return
        again = pc.any(pc.equal(keys[1:], keys[:-1])).as_py()
        if again or keys[0].as_py() == self._last_key:
            raise Invalid(
                f"Two samples one after the other have the same key in {self._key!r}, so a reader "
                "would take them for one. Choose another column, or none."
            )
        self._last_key = keys[-1].as_py()

    def end(self) -> None:
        self._file.write(tar.END)
        self.finish(self._file, self.rows)


@dataclass(frozen=True, slots=True)
class _Members:
    """The members of one column: bytes, endings, and sizes, which are -1 where there is none."""

    values: Column
    endings: Column
    sizes: npt.NDArray[np.int64]

    @property
    def is_whole(self) -> bool:
        return not self.values.null_count

    def between(self, start: int, end: int) -> _Members:
        rows = end - start
        values, endings = self.values.slice(start, rows), self.endings.slice(start, rows)
        return _Members(values, endings, self.sizes[start:end])


def _members(name: str, column: Column) -> _Members:
    kind = column.type
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    suffix = "txt" if is_text else "json"
    if pa.types.is_integer(kind):
        column = column.cast(pa.string())
    elif not is_text and not _is_binary(kind):
        told = [None if value is None else dumped(value) for value in json_values(column)]
        column = array_of(told, pa.large_binary())
    values: Column = column.cast(pa.large_binary())
    is_binary = _is_binary(kind)
    known = [_ending(name, each) for each in (SUFFIXES if is_binary else (suffix,))]
    chosen = suffixes_of(values) if is_binary else np.zeros(len(column), np.int64)
    endings = array_of(known, pa.large_binary()).take(pa.array(chosen, pa.int64()))
    ends = ends_of(values)
    absent = values.is_null().to_numpy(zero_copy_only=False)
    return _Members(values, endings, np.where(absent, -1, ends[1:] - ends[:-1]))


def _is_binary(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _where(present: pa.BooleanArray, column: Column) -> Column:
    """Return the values that are to be written, else nothing."""
    nothing = pa.scalar(b"", pa.large_binary())
    return cast("Column", pc.if_else(present, column, nothing))


def _joined(*columns: Column) -> Column:
    """Return the bytes of each row end to end."""
    nothing = pa.scalar(b"", pa.large_binary())
    return cast("Column", pc.binary_join_element_wise(*columns, nothing))  # type: ignore[call-overload]  # the stubs know text only


def _ending(name: str, suffix: str) -> bytes:
    """Return what stands behind the key, its dot included."""
    lowered = name.lower()
    repeats = _SAME.get(lowered, lowered) == suffix
    return (f".{name}" if repeats else f".{name}.{suffix}").encode()
