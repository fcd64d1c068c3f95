"""Canonical JSON: one value, one sequence of bytes, so that a digest or a signature means it."""

from __future__ import annotations

from typing import Any

import rfc8785

from core.digests import Digest, sha256_digest
from core.errors import Invalid


def canonical_json(value: Any) -> bytes:
    """Return the RFC 8785 bytes of a JSON value. Raise Invalid for what JSON cannot carry."""
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise Invalid(f"The value has no canonical JSON form: {error}.") from error


def canonical_digest(value: Any) -> Digest:
    return sha256_digest(canonical_json(value))
