"""Identifiers: unique without asking anyone, and in the order in which they were made."""

from __future__ import annotations

import os
import secrets
import time
import uuid

_ARK_ALPHABET = "0123456789bcdfghjkmnpqrstvwxz"


def new_id() -> uuid.UUID:
    """Return a UUID version 7: sorts by time of making. Source: RFC 9562 section 5.7."""
    milliseconds = time.time_ns() // 1_000_000
    value = milliseconds << 80 | int.from_bytes(os.urandom(10))
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


def new_ark_id() -> str:
    """Return 12 characters of the NOID alphabet: no vowels, so no words; about 58 bits."""
    return "".join(secrets.choice(_ARK_ALPHABET) for _ in range(12))
