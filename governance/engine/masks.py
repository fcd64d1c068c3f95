"""Columns as a masked reader sees them: batches in, batches of `masked_schema` out.

| mask | what is shown | of which columns |
|---|---|---|
| null | nothing, in the column's own type | any |
| redact | `•••` in every row, so that not even gaps are told; the column becomes text | any |
| hash | HMAC-SHA256 in hexadecimal: equal values are equal under one key; text | scalars |
| last4 | `•••` and the last four characters of eight or more, else `•••` | text, whole, decimal |
| year, month | its first day; in text `2024`, `2024-05`, else nothing | dates, ISO dates in text |
| bucket:N | the lower bound; int64 or uint64 of whole numbers, float64 of others | numbers |

Where a mask does not fit the type, the column is masked as `null`: a mask is never left out. A
column within a struct is masked alone when it is addressed by its path, as `address.email`; a path
that leads through a list or a map, and a mask of a struct, a list or a map itself, mask the whole.

Everything is a kernel over whole columns; a hash is computed once for each distinct value. What a
file says of itself and of its columns beside names and types (metadata) is left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from governance.engine.obligations import Mask, MaskKind

Column: TypeAlias = Any
"""An array. The stubs of pyarrow know each kernel for arrays of a type told beforehand only."""
AnyField: TypeAlias = "pa.Field[pa.DataType]"
Masks = Mapping[str, Mask]
REDACTED = "•••"
LAST4_FROM = 8
"""Shorter texts show nothing: four characters would be more than half of them."""
_DATE = r"^\d{4}-\d{2}-\d{2}([T ].*)?$"
_KNOWN_MOST = 200_000
"""Hashes that are kept from one batch to the next."""


def masked_schema(schema: pa.Schema, masks: Masks) -> pa.Schema:
    """Return the schema that a reader sees, without looking at any data."""
    return pa.schema([_masked_field(each, each.name, masks) for each in schema])


def _masked_field(each: AnyField, path: str, masks: Masks) -> AnyField:
    mask = masks.get(path)
    if mask is not None:
        return pa.field(each.name, _masked_type(each.type, mask), nullable=True)
    if not _leads_below(path, masks):
        return pa.field(each.name, each.type, nullable=each.nullable)
    if not pa.types.is_struct(each.type):
        return pa.field(each.name, each.type, nullable=True)
    inner = [_masked_field(one, f"{path}.{one.name}", masks) for one in each.type]
    return pa.field(each.name, pa.struct(inner), nullable=each.nullable)


def _leads_below(path: str, masks: Masks) -> bool:
    return any(key.startswith(f"{path}.") for key in masks)


def _masked_type(kind: pa.DataType, mask: Mask) -> pa.DataType:
    if mask.kind is MaskKind.REDACT or (
        mask.kind in {MaskKind.HASH, MaskKind.LAST4} and _fits(kind, mask)
    ):
        return pa.string()
    if mask.kind is MaskKind.BUCKET and _fits(kind, mask):
        if pa.types.is_integer(kind):
            return pa.uint64() if kind == pa.uint64() else pa.int64()
        return pa.float64()
    if _is_text(kind) and _fits(kind, mask):
        return pa.string()
    return kind


def _fits(kind: pa.DataType, mask: Mask) -> bool:
    """Say whether the mask means something for columns of this type."""
    types = pa.types
    if mask.kind is MaskKind.HASH:
        plain = types.is_primitive(kind) or types.is_decimal(kind)
        return plain or _is_text(kind) or types.is_binary(kind) or types.is_large_binary(kind)
    if mask.kind is MaskKind.LAST4:
        return _is_text(kind) or types.is_integer(kind) or types.is_decimal(kind)
    if mask.kind in {MaskKind.YEAR, MaskKind.MONTH}:
        return _is_text(kind) or types.is_date(kind) or types.is_timestamp(kind)
    if mask.kind is MaskKind.BUCKET:
        return types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
    return False


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


@dataclass(slots=True)
class Masker:
    """Masks the batches of one schema. `key` is the secret of the hashes."""

    before: pa.Schema
    masks: Masks
    key: bytes
    schema: pa.Schema = field(init=False)
    _tokens: _Tokens = field(init=False)

    def __post_init__(self) -> None:
        self.schema = masked_schema(self.before, self.masks)
        self._tokens = _Tokens(self.key)

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the batch as it may be seen, of `schema`."""
        columns = [
            self._masked(column, each.name)
            for column, each in zip(batch.columns, self.before, strict=True)
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)

    def _masked(self, column: Column, path: str) -> Column:
        mask = self.masks.get(path)
        if mask is not None:
            return self._one(column, mask)
        if not _leads_below(path, self.masks):
            return column
        kind = column.type
        if not pa.types.is_struct(kind):
            return pa.nulls(len(column), kind)
        inner = [
            self._masked(one, f"{path}.{each.name}")
            for one, each in zip(column.flatten(), kind, strict=True)
        ]
        shown = [_masked_field(each, f"{path}.{each.name}", self.masks) for each in kind]
        return pa.StructArray.from_arrays(inner, fields=shown, mask=column.is_null())

    def _one(self, column: Column, mask: Mask) -> Column:
        kind = column.type
        if mask.kind is MaskKind.REDACT:
            return pa.repeat(REDACTED, len(column))
        if not _fits(kind, mask):
            return pa.nulls(len(column), kind)
        if mask.kind is MaskKind.HASH:
            return self._tokens.of(_canonical(column))
        if mask.kind is MaskKind.LAST4:
            return _last4(column.cast(pa.string()))
        if mask.kind is MaskKind.BUCKET:
            return _buckets(column, mask.width)
        return _ISO[mask.kind](column) if _is_text(kind) else _floored(column, mask.kind)


def _last4(texts: Column) -> Column:
    tails = pc.utf8_slice_codeunits(texts, start=-4)
    shown = pc.binary_join_element_wise(pa.scalar(REDACTED), tails, "")
    long = pc.greater_equal(pc.utf8_length(texts), pa.scalar(LAST4_FROM))
    return pc.if_else(long, shown, pa.scalar(REDACTED))


def _iso(characters: int) -> Callable[[Column], Column]:
    def shown(column: Column) -> Column:
        texts = column.cast(pa.string())
        dates = pc.match_substring_regex(texts, _DATE)
        # emptied before they become null: beneath a null the kernel leaves the text as it was
        heads = pc.if_else(dates, pc.utf8_slice_codeunits(texts, 0, characters), "")
        return pc.if_else(dates, heads, pa.scalar(None, pa.string()))

    return shown


_ISO = {MaskKind.YEAR: _iso(4), MaskKind.MONTH: _iso(7)}


def _floored(column: Column, kind: MaskKind) -> Column:
    unit: Any = str(kind)
    return pc.floor_temporal(column, unit=unit).cast(column.type)


def _buckets(column: Column, width: int) -> Column:
    kind = column.type
    if kind == pa.uint64():
        return pc.multiply(pc.divide(column, pa.scalar(width, kind)), pa.scalar(width, kind))
    if pa.types.is_integer(kind):
        return _whole_buckets(column.cast(pa.int64()), width)
    numbers = column.cast(pa.float64())
    return pc.multiply(pc.floor(pc.divide(numbers, float(width))), float(width))


def _whole_buckets(numbers: Column, width: int) -> Column:
    """Return the lower bounds; null where it is below what 64 bits hold."""
    bounds = pc.multiply(pc.divide(numbers, width), width)
    bounds = pc.if_else(pc.greater(bounds, numbers), pc.subtract(bounds, width), bounds)
    return pc.if_else(pc.less_equal(bounds, numbers), bounds, pa.scalar(None, pa.int64()))


def _canonical(column: Column) -> Column:
    """Return values as texts or bytes, so that one value is one text in whatever width it comes."""
    kind, types = column.type, pa.types
    if _is_text(kind) or types.is_binary(kind) or types.is_large_binary(kind):
        return column
    if types.is_timestamp(kind):
        return column.cast(pa.timestamp("us", kind.tz), safe=False).cast(pa.string())
    if types.is_duration(kind):
        return column.cast(pa.duration("us"), safe=False).cast(pa.int64()).cast(pa.string())
    if types.is_floating(kind):
        return column.cast(pa.float64()).cast(pa.string())
    return column.cast(pa.string())


class _Tokens:
    """HMAC-SHA256 of distinct values, its two inner states made once. Source: RFC 2104."""

    def __init__(self, key: bytes) -> None:
        block = (key if len(key) <= 64 else hashlib.sha256(key).digest()).ljust(64, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))
        self._known: dict[bytes, str] = {}

    def of(self, column: Column) -> Column:
        encoded = column.dictionary_encode()
        binary = pa.large_binary() if _is_large(column.type) else pa.binary()
        distinct = encoded.dictionary.cast(binary).to_pylist()
        if len(self._known) > _KNOWN_MOST:
            self._known.clear()
        return pa.array(self._tokens(distinct), pa.string()).take(encoded.indices)

    def _tokens(self, values: list[bytes]) -> list[str]:
        """Return the token of each value. One loop without calls of ours: it is the hot path."""
        known, copy_inner, copy_outer = self._known, self._inner.copy, self._outer.copy
        tokens = []
        for value in values:
            token = known.get(value)
            if token is None:
                inner, outer = copy_inner(), copy_outer()
                inner.update(value)
                outer.update(inner.digest())
                token = known[value] = outer.hexdigest()
            tokens.append(token)
        return tokens


def _is_large(kind: pa.DataType) -> bool:
    return pa.types.is_large_string(kind) or pa.types.is_large_binary(kind)
