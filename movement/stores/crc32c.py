"""Joining checksums: the crc32c of a part follows from those of its chunks, without its bytes."""

from __future__ import annotations

import base64
import binascii

_POLYNOMIAL = 0x82F63B78
"""Castagnoli, bit-reversed. Source: RFC 3720 section 12.1."""
_ONE = 1 << 31


def _multiply(left: int, right: int) -> int:
    """Return left x right modulo the polynomial; bit 31 is the power 0."""
    product = 0
    while left:
        if left & _ONE:
            product ^= right
        left = (left << 1) & 0xFFFFFFFF
        right = (right >> 1) ^ (_POLYNOMIAL if right & 1 else 0)
    return product


def _shift(bits: int) -> int:
    """Return x to the power `bits` modulo the polynomial, by repeated squaring."""
    power, square = _ONE, _ONE >> 1
    while bits:
        if bits & 1:
            power = _multiply(power, square)
        square = _multiply(square, square)
        bits >>= 1
    return power


def join_crc32c(first: int, second: int, second_bytes: int) -> int:
    """Return the crc32c of two runs of bytes laid end to end, from the crc32c of each."""
    return _multiply(first, _shift(8 * second_bytes)) ^ second


def crc32c_to_header(crc32c: int) -> str:
    """Return the value of `x-amz-checksum-crc32c`: base64 of four big-endian bytes."""
    return base64.b64encode(crc32c.to_bytes(4, "big")).decode("ascii")


def crc32c_from_header(value: str | None) -> int | None:
    """Return the checksum a store tells, or None when it tells none or one we cannot read."""
    try:
        raw = base64.b64decode(value or "", validate=True)
    except binascii.Error:
        return None
    return int.from_bytes(raw, "big") if len(raw) == 4 else None
