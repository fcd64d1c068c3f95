"""Rows as 128-bit hashes, equal where the rows are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from transforms.engine.arrow import Column, ends_of

HASH_BYTES = 16
Hashes = npt.NDArray[np.uint8]
Heads = npt.NDArray[np.uint16]
Places = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int64]
Digester = Callable[[memoryview], bytes]
_ANY_NONCE = bytes(12)
_SIGNED = {8: pa.int8(), 16: pa.int16(), 32: pa.int32(), 64: pa.int64()}


def plain() -> Digester:
    """Return XXH3, the same in every run. Whoever wants two texts of one hash can build them."""
    return xxhash.xxh3_128_digest


def keyed(by: str) -> Digester:
    """Return a hash under a key made of `by`: GMAC, with the polynomial hash of AES-GCM.

    Two texts that are fixed before `by` is known have one hash with a probability of at most
    2^-121 for each KiB of the longer one. So `by` must depend on all the texts. Takes texts of
    less than 2 GiB.
    """
    cipher = AESGCM(hashlib.sha256(by.encode()).digest())
    return partial(cipher.encrypt, _ANY_NONCE, b"")


def row_hashes(columns: Sequence[Column], digester: Digester, rows: Rows | None = None) -> Hashes:
    """Return all rows, or these, as (rows, 16) bytes; null is a value as others are.

    Takes one or more columns that `may_be_hashed`.
    """
    chosen = slice(None) if rows is None else rows
    parts = [_hash_column(column, digester, chosen) for column in columns]
    if len(parts) == 1:
        return parts[0]
    joined = np.concatenate(parts, axis=1)
    ends = np.arange(len(joined) + 1) * joined.shape[1]
    return _hash_slices(memoryview(joined.tobytes()), ends[:-1], ends[1:], digester)


def heads_of(hashes: Hashes) -> Heads:
    """Return the first 16 bits of each hash."""
    return hashes[:, :2].copy().view(">u2")[:, 0].astype(np.uint16)


def may_be_hashed(kind: pa.DataType) -> bool:
    """Say whether equal values of this type are equal bytes."""
    types = pa.types
    fixed = types.is_integer(kind) or types.is_temporal(kind) or types.is_boolean(kind)
    return bool(fixed) or _is_bytes(kind)


def _is_bytes(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_binary(kind)
        or types.is_large_binary(kind)
    )


def _hash_column(values: Column, digester: Digester, chosen: slice | Rows) -> Hashes:
    """Return (rows, 16) bytes; a null is all zeros."""
    data, ends = _bytes_of(values)
    hashes = _hash_slices(data, ends[:-1][chosen], ends[1:][chosen], digester)
    if values.null_count:
        hashes[values.is_null().to_numpy(zero_copy_only=False)[chosen]] = 0
    return hashes


def _bytes_of(values: Column) -> tuple[memoryview, Places]:
    """Return bytes, and the rows + 1 places between those of each row; texts are not copied."""
    if _is_bytes(values.type):
        return memoryview(values.buffers()[2] or b"").cast("B"), ends_of(values)
    number: Column
    if pa.types.is_boolean(values.type):
        number = values.cast(pa.int8())
    else:
        number = values.view(_SIGNED[values.type.bit_width])
    plain_numbers = cast("pa.Int64Array", number)  # or narrower ones
    whole = plain_numbers.fill_null(0) if plain_numbers.null_count else plain_numbers
    numbers = np.ascontiguousarray(whole.to_numpy(zero_copy_only=False))
    return memoryview(numbers.tobytes()), np.arange(len(numbers) + 1) * numbers.itemsize


def _hash_slices(data: memoryview, starts: Places, ends: Places, digester: Digester) -> Hashes:
    """Hash data[starts[i] : ends[i]] for each i; the one loop over rows, without a line of it."""
    slices = map(data.__getitem__, map(slice, starts.tolist(), ends.tolist()))
    return np.frombuffer(b"".join(map(digester, slices)), np.uint8).reshape(-1, HASH_BYTES).copy()
