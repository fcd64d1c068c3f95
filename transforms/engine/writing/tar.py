"""Members of a tar archive, all alike but for name and size: equal data give equal bytes.

Source: POSIX.1-2017 pax, "ustar Interchange Format".
"""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from core.errors import Invalid
from transforms.engine.arrow import Column, array_of, ends_of, numbers_in, values_of

BLOCK = 512
END = bytes(2 * BLOCK)
"""What stands behind the last member."""
Matrix = npt.NDArray[np.uint8]

_SIZE, _SUM = slice(124, 135), slice(148, 154)
_NAME_BYTES, _PREFIX_AT, _PREFIX_BYTES = 100, 345, 155
_TEMPLATE = np.frombuffer(
    bytes(100)  # name
    + b"0000644\0" + b"0000000\0" * 2  # mode, owner, group
    + bytes(12) + b"00000000000\0"  # size, time
    + b"        " + b"0" + bytes(100)  # checksum, taken as if it were spaces; a file; no link
    + b"ustar\0" + b"00" + bytes(64) + b"0000000\0" * 2  # no names of owners, no device
    + bytes(155) + bytes(12),  # prefix
    np.uint8,
)  # fmt: skip
_TEMPLATE_SUM = int(_TEMPLATE.sum(dtype=np.int64))


def headers(names: Column, sizes: npt.NDArray[np.int64]) -> Column:
    """Return the headers of files as binary values; raises Invalid for a name that is too long.

    `names` are large binary values without nulls.
    """
    matrix = np.tile(_TEMPLATE, (len(names), 1))
    sums = np.full(len(names), _TEMPLATE_SUM)
    if np.diff(ends_of(names)).max(initial=0) > _NAME_BYTES:
        fields = [_cut(cast("bytes", name)) for name in values_of(names)]
        prefixes, names = (array_of(each, pa.large_binary()) for each in zip(*fields, strict=True))
        sums += _put(matrix, slice(_PREFIX_AT, _PREFIX_AT + _PREFIX_BYTES), prefixes)
    sums += _put(matrix, slice(0, _NAME_BYTES), names)
    matrix[:, _SIZE] = _octal(sizes, 11)
    sums += matrix[:, _SIZE].sum(axis=1, dtype=np.int64)
    matrix[:, _SUM] = _octal(sums, 6)
    matrix[:, _SUM.stop] = 0
    return _binary(np.full(len(names), BLOCK), matrix)


def padding(sizes: npt.NDArray[np.int64]) -> Column:
    """Return what fills the last block of each file."""
    lengths = -sizes % BLOCK
    return _binary(lengths, np.zeros(int(lengths.sum()), np.uint8))


def _octal(numbers: npt.NDArray[np.int64], digits: int) -> Matrix:
    shifts = np.arange(3 * (digits - 1), -1, -3)
    return ((numbers[:, np.newaxis] >> shifts & 7) + ord("0")).astype(np.uint8)


def _put(matrix: Matrix, field: slice, values: Column) -> npt.NDArray[np.int64]:
    """Put a value at the start of a field of each row; return the sums of their bytes."""
    ends = ends_of(values)
    lengths = np.diff(ends)
    data = numbers_in(values.buffers()[2], np.uint8)[ends[0] : ends[-1]]
    firsts = np.arange(len(values)) * matrix.shape[1] + field.start - (ends[:-1] - ends[0])
    matrix.reshape(-1)[np.repeat(firsts, lengths) + np.arange(len(data))] = data
    found: npt.NDArray[np.int64] = matrix[:, field].sum(axis=1, dtype=np.int64)
    return found


def _binary(lengths: npt.NDArray[np.int64], data: Matrix) -> Column:
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
    buffers = [None, pa.py_buffer(ends.data), pa.py_buffer(np.ascontiguousarray(data).data)]
    return pa.Array.from_buffers(pa.large_binary(), len(lengths), buffers)


def _cut(name: bytes) -> tuple[bytes, bytes]:
    """Return the two fields of a name: a long one is cut at a slash."""
    if len(name) <= _NAME_BYTES:
        return b"", name
    at = name.find(b"/", max(len(name) - _NAME_BYTES - 1, 1))
    if not 0 < at <= _PREFIX_BYTES or at == len(name) - 1:
        raise Invalid(
            f"The name of a member has {len(name)} bytes, too many for a tar archive without "
            "extensions; choose a column with shorter keys."
        )
    return name[:at], name[at + 1 :]
