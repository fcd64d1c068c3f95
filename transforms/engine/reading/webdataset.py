"""WebDataset: members of a tar archive that share a key, one after the other, are one row."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, cast

import pyarrow as pa

from core.errors import Invalid
from transforms.engine.arrow import Column, array_of
from transforms.engine.magic import MEDIA_SUFFIXES, UNKNOWN
from transforms.engine.reading.json_values import WRONG, json_type, json_value, parsed
from transforms.engine.reading.records import BadRow, Read

KEY = "key"
_MEMBER = re.compile(r"((?:.*/|)[^./]+)[.]([^/]+)")
_TEXT = frozenset({"txt", "text", "cls"})
_KNOWN = _TEXT | MEDIA_SUFFIXES | {UNKNOWN, "json"}
SAMPLE_MOST_BYTES = 256 * 1024 * 1024
_BATCH_ROWS, _BATCH_BYTES = 1024, 4 * 1024 * 1024
_SAMPLED_ROWS = 1000


@dataclass(slots=True)
class Sample:
    """What the archive holds under one key. Endings are in lower case."""

    key: str
    offset: int
    members: dict[str, bytes] = field(default_factory=dict)
    twice: str = ""
    """An ending that comes more than once."""
    bytes: int = 0


class _Strict(tarfile.TarInfo):
    """A header that is broken is an error: `tarfile` takes it for the end of the archive."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> _Strict:
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # not in the stubs
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from error


def members(stream: BinaryIO) -> Iterator[tuple[tarfile.TarInfo, BinaryIO]]:
    """Yield the files of an archive, each to be read before the next is asked for.

    Raises tarfile.ReadError when the archive is damaged or has no end mark.
    """
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Strict) as archive:
        while (member := archive.next()) is not None:
            archive.members = []  # type: ignore[attr-defined]  # else every header is kept
            if member.isreg():
                yield member, cast(BinaryIO, archive.extractfile(member))


def samples(stream: BinaryIO, path: str) -> Iterator[Sample]:
    """Yield the samples of an archive in order. Memory: one sample.

    Raises what `members` does, and Invalid for a sample of more than 256 MiB: a few kilobytes that
    are compressed may hold any number. Members without an ending belong to no sample.
    """
    held: Sample | None = None
    for member, data in members(stream):
        named = _MEMBER.fullmatch(member.name)
        if named is None:
            continue
        key, ending = named[1], named[2].lower()
        if held is None or held.key != key:
            if held is not None:
                yield held
            held = Sample(key, member.offset)
        if held.bytes + member.size > SAMPLE_MOST_BYTES:
            told = f"{path} has a sample of more than {SAMPLE_MOST_BYTES >> 20} MiB."
            raise Invalid(told, path=path)
        if ending in held.members:
            held.twice = ending
        held.members[ending] = data.read()
        held.bytes += member.size
    if held is not None:
        yield held


def read_samples(path: str, stream: BinaryIO, schema: pa.Schema) -> Iterator[Read]:
    """Yield the rows of an archive: `key`, and each member in the column of its name.

    The column of `<key>.<name>.<suffix>` is `<name>.<suffix>` where the schema has it, else
    `<name>`; members that the schema does not name are left out, a missing one is null. A sample
    that does not fit is set aside.
    """
    held: list[Sample] = []
    held_bytes = 0
    for sample in samples(stream, path):
        held.append(sample)
        held_bytes += sample.bytes
        if len(held) == _BATCH_ROWS or held_bytes >= _BATCH_BYTES:
            yield _read(path, held, schema)
            held, held_bytes = [], 0
    if held:
        yield _read(path, held, schema)


def _read(path: str, held: list[Sample], schema: pa.Schema) -> Read:
    rows: list[list[object]] = []
    bad: list[BadRow] = []
    for sample in held:
        try:
            rows.append(_row(sample, schema))
        except _NotARow as error:
            raw = sample.members.get(error.ending, b"")
            key = sample.key.encode(errors="replace").decode()
            bad.append(BadRow(path, sample.offset, raw, f"{key}: {error}"))
    columns: list[Column] = [
        array_of([row[at] for row in rows], each.type) for at, each in enumerate(schema)
    ]
    return Read(pa.RecordBatch.from_arrays(columns, schema=schema), tuple(bad), len(held))


class _NotARow(Exception):
    """Why a sample is no row, and the member to blame."""

    def __init__(self, reason: str, ending: str) -> None:
        super().__init__(reason)
        self.ending = ending


def _row(sample: Sample, schema: pa.Schema) -> list[object]:
    if not _is_unicode(sample.key):
        raise _NotARow("its name is not UTF-8", next(iter(sample.members)))
    if sample.twice:
        raise _NotARow(f"two members end in .{sample.twice}", sample.twice)
    found: dict[str, object] = {KEY: sample.key}
    for ending, data in sample.members.items():
        name = ending if ending in schema.names else column_of(ending)
        if name not in schema.names:
            continue
        if name in found:
            raise _NotARow(f"two members are the column {name!r}", ending)
        try:
            found[name] = _value(data, schema.field(name).type, ending)
        except WRONG as error:
            raise _NotARow(f".{ending}: {str(error).splitlines()[0]}", ending) from error
    return [found.get(name) for name in schema.names]


def column_of(ending: str) -> str:
    """Return the column of a member: its ending without the suffix that tells its type."""
    name, _, suffix = ending.rpartition(".")
    return name if name and suffix in _KNOWN else ending


def _is_unicode(name: str) -> bool:
    """Return whether a member's name is UTF-8; `tarfile` spells other bytes as surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _suffix(ending: str) -> str:
    return ending.rpartition(".")[2]


def _value(data: bytes, kind: pa.DataType, ending: str) -> object:
    """Return what a column of `kind` holds for a member; raises one of `WRONG`."""
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return data
    text = data.decode()
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return text if is_text and _suffix(ending) != "json" else json_value(text, kind)


def infer(stream: BinaryIO, path: str, sample_bytes: int) -> pa.Schema:
    """Return the columns of the first samples: the key, then the members in order of name.

    Text is told by its suffix; JSON becomes numbers, truth values, text or lists of them where the
    sample is of one such kind, else it stays text; all else is bytes. Suffixes are kept in the
    names when two members of a sample would else be one column. Raises as `samples`.
    """
    seen: dict[str, list[object]] = {}
    bare = True
    for count, sample in enumerate(samples(stream, path), start=1):
        named = {each: data for each, data in sample.members.items() if _is_unicode(each)}
        names = [column_of(ending) for ending in named]
        bare = bare and len(set(names)) == len(names)
        for ending, data in named.items():
            seen.setdefault(ending, []).append(parsed(data) if _suffix(ending) == "json" else None)
        sample_bytes -= sample.bytes
        if count == _SAMPLED_ROWS or sample_bytes <= 0:
            break
    types: dict[str, pa.DataType] = {}
    for ending, values in sorted(seen.items()):
        name = column_of(ending) if bare else ending
        found = _type_of(ending, values)
        types[name] = found if types.get(name, found) == found else pa.binary()
    if KEY in types:
        raise Invalid(f"A member in {path} ends in .key, which is the name of the key.", path=path)
    return pa.schema([(KEY, pa.string()), *types.items()])


def _type_of(ending: str, values: list[object]) -> pa.DataType:
    suffix = _suffix(ending)
    if suffix in _TEXT:
        return pa.string()
    return json_type(values) if suffix == "json" else pa.binary()
