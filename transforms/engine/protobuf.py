"""The bytes of a protocol buffer, told apart without a schema. Source: Protocol Buffers, encoding.

Numbers stay as they are written, since what they mean only the schema of the message says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

VARINT, WIDE, DELIMITED, NARROW = 0, 1, 2, 5
"""Kinds of members: a number in base 128, 8 bytes, bytes with their length before, 4 bytes."""
_FIXED = {WIDE: 8, NARROW: 4}
_MOST_DIGITS = 10


class Broken(ValueError):
    """The bytes are no protocol buffer."""


class Member(NamedTuple):
    """A member of a message: all of it is bytes [start, end), its value bytes [value, end)."""

    number: int
    kind: int
    start: int
    value: int
    end: int


def members(message: bytes, start: int, end: int) -> Iterator[Member]:
    """Yield the members of the message at bytes [start, end), in order; raises Broken."""
    at = start
    while at < end:
        first = at
        tag, at = varint(message, at, end)
        kind, value = tag & 7, at
        if kind == VARINT:
            _, at = varint(message, at, end)
        elif kind == DELIMITED:
            length, value = varint(message, at, end)
            at = value + length
        elif kind in _FIXED:
            at += _FIXED[kind]
        else:
            raise Broken(f"a member is of the unknown kind {kind}")
        if at > end:
            raise Broken("a member is longer than its message")
        yield Member(tag >> 3, kind, first, value, at)


def varint(message: bytes, at: int, end: int) -> tuple[int, int]:
    """Return the number that begins at `at`, and where it ends; raises Broken."""
    if at < end and message[at] < 128:  # nearly all: one digit
        return message[at], at + 1
    value = 0
    for digit in range(min(_MOST_DIGITS, end - at)):
        byte = message[at + digit]
        value |= (byte & 127) << 7 * digit
        if byte < 128:
            return value, at + digit + 1
    raise Broken("a number has no end")
