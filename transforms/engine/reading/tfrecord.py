"""TFRecord files of tf.train.Example: each record is a row, each feature a column.

What the records are, `writing/tfrecord.py` says. Only their lengths tell where the next one begins:
one whose own checksum is wrong is damage of the file; data with a wrong one are a bad row.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from core.errors import Invalid
from transforms.engine.arrow import AnyField, Column, array_of
from transforms.engine.protobuf import DELIMITED, NARROW, VARINT, Member, members
from transforms.engine.reading.binary import (
    MOST_RECORD_BYTES,
    SAMPLED_ROWS,
    Counts,
    NotARow,
    Record,
    read_records,
    spread,
)
from transforms.engine.reading.records import Read
from transforms.engine.writing.tfrecord import masked_crc

_LENGTH = struct.Struct("<Q")
_CRC_BYTES = 4
_KINDS = _BYTES, _FLOATS, _INTEGERS = 1, 2, 3
"""The members of a feature: its one list of values is of one of these kinds."""
_ALONE = {_FLOATS: NARROW, _INTEGERS: VARINT}
"""How a number stands that is not packed together with the others of its list."""
_MOST_DIGITS = 10


class Feature(NamedTuple):
    """A kind, and values: of bytes each one, of numbers pieces in which they follow each other."""

    kind: int
    values: list[bytes]


Example = Mapping[str, Feature]


def records(stream: BinaryIO, path: str) -> Iterator[Record]:
    """Yield the records of a file. Memory: one. Raises Invalid where it is damaged or cut off."""
    offset = 0
    while head := stream.read(_LENGTH.size + _CRC_BYTES):
        if masked_crc(head[: _LENGTH.size]) != head[_LENGTH.size :]:
            raise Invalid(
                f"{path} is damaged: at byte {offset} no record of TFRecord begins.", path=path
            )
        (length,) = _LENGTH.unpack_from(head)
        if length > MOST_RECORD_BYTES:
            told = f"{path} has a record of more than {MOST_RECORD_BYTES >> 20} MiB."
            raise Invalid(told, path=path)
        data, crc = stream.read(length), stream.read(_CRC_BYTES)
        if len(data) < length or len(crc) < _CRC_BYTES:
            raise Invalid(f"{path} is damaged: its last record is cut off.", path=path)
        wrong = "" if masked_crc(data) == crc else "its checksum is wrong"
        yield Record(offset, data, wrong)
        offset += len(head) + length + _CRC_BYTES


def read_examples(path: str, stream: BinaryIO, schema: pa.Schema) -> Iterator[Read]:
    """Yield the rows of a file; features that the schema does not name are left out.

    An example without a feature has null there. What is no tf.train.Example, and one whose values
    do not fit the schema, is set aside. Raises as `records`.
    """
    return read_records(path, records(stream, path), _Examples(), schema)


@dataclass(frozen=True, slots=True)
class _Examples:
    """Records that are examples."""

    def decoded(self, data: bytes) -> Example:
        return example_of(data)

    def column(self, rows: Sequence[Example], field: AnyField) -> Column:
        features = [row.get(field.name) for row in rows]
        present = [each for each in features if each is not None]
        kinds = {each.kind for each in present}
        if len(kinds) > 1:
            raise NotARow(f"{field.name!r} is of several kinds")
        if not kinds:
            return array_of([None] * len(rows), field.type)
        items, held = _items(kinds.pop(), present)
        absent = np.array([each is None for each in features])
        counts = np.zeros(len(rows), np.int64)
        counts[~absent] = held
        return spread(items, counts, absent, field)


def example_of(data: bytes) -> Example:
    """Return the features of a tf.train.Example that have values; raises ValueError if it is none.

    Values are not looked at: text may be no UTF-8, and a number of more than ten digits is left to
    whoever reads it.
    """
    found: dict[str, Feature] = {}
    for features in members(data, 0, len(data)):
        _require(features, 1, "it is no tf.train.Example")
        for entry in members(data, features.value, features.end):
            _require(entry, 1, "its features are none of a tf.train.Example")
            name, feature = _entry(data, entry)
            if name in found:
                raise NotARow(f"the feature {name!r} comes twice")
            if feature is not None:
                found[name] = feature
    return found


def _require(member: Member, number: int, otherwise: str) -> None:
    if (member.number, member.kind) != (number, DELIMITED):
        raise NotARow(otherwise)


def _entry(data: bytes, entry: Member) -> tuple[str, Feature | None]:
    name, feature = b"", None
    for member in members(data, entry.value, entry.end):
        if (member.number, member.kind) == (1, DELIMITED):
            name = data[member.value : member.end]
        else:
            _require(member, 2, "a feature is more than a name and its values")
            feature = _feature(data, member)
    return name.decode(), feature


def _feature(data: bytes, feature: Member) -> Feature | None:
    """Return the values of a feature; None where not even their kind is told."""
    found: Feature | None = None
    for member in members(data, feature.value, feature.end):
        if found is not None or member.kind != DELIMITED or member.number not in _KINDS:
            raise NotARow("a feature holds no list of one kind")
        values = list(_values(data, member))
        if member.number == _INTEGERS and values and values[-1][-1:] >= b"\x80":
            raise NotARow("a whole number has no end")
        if member.number == _FLOATS and any(len(each) % 4 for each in values):
            raise NotARow("a number has not 32 bits")
        found = Feature(member.number, values)
    return found


def _values(data: bytes, listed: Member) -> Iterator[bytes]:
    for member in members(data, listed.value, listed.end):
        if member.number != 1 or member.kind not in {DELIMITED, _ALONE.get(listed.number)}:
            raise NotARow("a list holds values of another kind")
        yield data[member.value : member.end]


def _items(kind: int, features: Sequence[Feature]) -> tuple[Column, Counts]:
    """Return all values of some features, and how many each has."""
    if kind == _BYTES:
        counts = np.array([len(each.values) for each in features])
        values = [value for each in features for value in each.values]
        return array_of(values, pa.large_binary()), counts
    pieces = [b"".join(each.values) for each in features]
    sizes = np.array([len(each) for each in pieces])
    data = b"".join(pieces)
    if kind == _FLOATS:
        return pa.array(np.frombuffer(data, "<f4")), sizes // 4
    last = np.flatnonzero(np.frombuffer(data, np.uint8) < 0x80)
    before = np.searchsorted(last, np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)]))
    return pa.array(_integers(data, last)), np.diff(before)


def _integers(data: bytes, last: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return numbers that are written in base 128; `last` says where the last digit of each is."""
    starts = np.concatenate([np.zeros(1, np.int64), last + 1])[:-1]
    lengths = last + 1 - starts
    digits = np.frombuffer(data, np.uint8)
    found: npt.NDArray[np.uint64] = (digits[starts] & 0x7F).astype(np.uint64)
    longest = int(lengths.max(initial=0))
    if longest > _MOST_DIGITS:
        raise NotARow("a whole number has more than 64 bits")
    for digit in range(1, longest):
        longer = np.flatnonzero(lengths > digit)
        more = digits[starts[longer] + digit] & 0x7F
        found[longer] |= more.astype(np.uint64) << np.uint64(7 * digit)
    return found.view(np.int64)


def columns_of(examples: Sequence[Example]) -> Iterator[tuple[str, Column]]:
    """Yield each feature as a column of lists of the examples that have it, one for each kind.

    Raises NotARow for a whole number of more than 64 bits.
    """
    seen: dict[tuple[str, int], list[Feature]] = {}
    for example in examples:
        for name, feature in example.items():
            seen.setdefault((name, feature.kind), []).append(feature)
    for (name, kind), features in seen.items():
        items, counts = _items(kind, features)
        field = pa.field(name, pa.list_(items.type))
        yield name, spread(items, counts, np.zeros(len(features), np.bool_), field)


def infer(stream: BinaryIO, path: str, sample_bytes: int) -> pa.Schema:
    """Return the columns of the first examples, in order of name. Raises as `records`.

    A feature of which each example has one value is a column of values, else one of lists. Bytes
    that are all UTF-8 are text. Raises pa.ArrowInvalid for a feature of several kinds.
    """
    seen: dict[str, list[Feature]] = {}
    examples = 0
    for record in records(stream, path):
        try:
            found = {} if record.error else example_of(record.data)
        except ValueError:
            found = {}
        for name, feature in found.items():
            seen.setdefault(name, []).append(feature)
        examples, sample_bytes = examples + 1, sample_bytes - len(record.data)
        if examples == SAMPLED_ROWS or sample_bytes <= 0:
            break
    return pa.schema([(name, _type_of(name, features)) for name, features in sorted(seen.items())])


def _type_of(name: str, features: Sequence[Feature]) -> pa.DataType:
    kinds = {each.kind for each in features}
    if len(kinds) > 1:
        raise pa.ArrowInvalid(f"{name!r} is of several kinds")
    items, counts = _items(kinds.pop(), features)
    kind = items.type
    if pa.types.is_large_binary(kind):
        kind = pa.string() if _is_text(items) else pa.binary()
    return kind if (counts == 1).all() else pa.list_(kind)


def _is_text(items: Column) -> bool:
    try:
        items.cast(pa.large_string())
    except pa.ArrowInvalid:
        return False
    return True
