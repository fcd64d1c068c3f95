"""How Django's database cache keeps its keys: some hold a code that must not lie there to read."""

from __future__ import annotations

import hashlib


def remembered_as(key: str, prefix: str, version: int) -> str:
    """Return the digest under which `key` is kept."""
    return hashlib.sha256(f"{prefix}:{version}:{key}".encode()).hexdigest()
