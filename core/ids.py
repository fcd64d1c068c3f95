"""Identifiers: unique without asking anyone, and in the order in which they were made."""

from __future__ import annotations

import secrets
import time
import uuid
from threading import Lock

_ARK_ALPHABET = "0123456789bcdfghjkmnpqrstvwxz"
_turn = Lock()
_last = 0


def new_id() -> uuid.UUID:
    """Return a UUID version 7: sorts by time of making, and in one process always after the last.

    Within a millisecond, or when the clock is set back, it follows its predecessor by a random
    step, so that forked processes stay apart. Source: RFC 9562 sections 5.7 and 6.2, method 2.
    """
    global _last
    fresh = time.time_ns() // 1_000_000 << 74 | secrets.randbits(74)
    with _turn:
        _last = bits = max(fresh, _last + 1 + secrets.randbits(40))
    time_and_high, low = bits >> 62, bits & (1 << 62) - 1
    milliseconds, high = time_and_high >> 12, time_and_high & 0xFFF
    return uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)


def new_ark_id() -> str:
    """Return 12 characters of the NOID alphabet: no vowels, so no words; about 58 bits."""
    return "".join(secrets.choice(_ARK_ALPHABET) for _ in range(12))
