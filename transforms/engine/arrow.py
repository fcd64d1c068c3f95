"""Arrow's types as the engine names them, and doors for what the stubs of pyarrow know wrongly.

The stubs describe an older release. A door gives pyarrow exactly what it is given, under the type
that the stubs should have; nothing here changes a byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import IOBase
from typing import BinaryIO, TypeAlias, TypeVar, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Column: TypeAlias = "pa.Array[pa.Scalar[pa.DataType]]"
Text: TypeAlias = "pa.StringArray | pa.LargeStringArray"
AnyField: TypeAlias = "pa.Field[pa.DataType]"

Number = TypeVar("Number", bound=np.generic)


def text_of(values: Column) -> Text:
    """Return a column that `require_text` has let through, as text."""
    return cast("Text", values)


def values_of(column: Column) -> list[object]:
    """Return the values of a column of any type as Python has them."""
    return cast("list[object]", text_of(column).to_pylist())


def array_of(values: Sequence[object], kind: pa.DataType | None = None) -> Column:
    """Return values, of a type that is found where none is given, as an array."""
    return cast("Column", pa.array(cast("list[str]", values), kind))


def numbers_in(buffer: pa.Buffer | None, kind: type[Number]) -> npt.NDArray[Number]:
    """Return the memory of a buffer as numbers, not copied; none where there is no buffer."""
    return np.frombuffer(cast("memoryview", buffer or b""), kind)


def ends_of(values: Column) -> npt.NDArray[np.int64]:
    """Return the len(values) + 1 offsets of a text or binary array into its data buffer."""
    wide = pa.types.is_large_string(values.type) or pa.types.is_large_binary(values.type)
    offsets = values.buffers()[1]
    rows = slice(values.offset, values.offset + len(values) + 1)
    if wide:
        return numbers_in(offsets, np.int64)[rows]
    return numbers_in(offsets, np.int32)[rows].astype(np.int64)


def file_of(stream: BinaryIO) -> IOBase:
    """Return `stream`: pyarrow takes whatever can read or write, the stubs an IOBase only."""
    return cast("IOBase", stream)


def reader_of(data: bytes | memoryview) -> BinaryIO:
    """Return `data` as a stream that pyarrow reads without a copy."""
    return cast("BinaryIO", pa.BufferReader(data))


def concat_batches(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """Return the rows of all `batches`, which have one schema and are at least one, as one."""
    joined: pa.RecordBatch = pa.concat_batches(batches)  # type: ignore[attr-defined]  # not in the stubs
    return joined
