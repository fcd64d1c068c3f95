"""What HTTP says of bytes: the digest of a body, the range of an answer."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass

from core.errors import Invalid

_SHA256 = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]*):")
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def announced_bytes(headers: Mapping[str, str]) -> int:
    """Return the `Content-Length`; raise Invalid without one, since nothing else shows a cut."""
    length = headers.get("Content-Length", "")
    if not (length.isascii() and length.isdigit()):
        raise Invalid("Send the file with a Content-Length, so that a cut upload is noticed.")
    return int(length)


def announced_sha256(headers: Mapping[str, str]) -> str | None:
    """Return the sha256 of `Content-Digest` in hexadecimal, if one is given. Source: RFC 9530."""
    given = headers.get("Content-Digest", "")
    found = _SHA256.search(given)
    if found is None:
        if "sha-256=" in given:
            raise Invalid("Write the digest as `Content-Digest: sha-256=:<base64>:`.")
        return None
    try:
        raw = base64.b64decode(found[1], validate=True)
    except binascii.Error as error:
        raise Invalid("The digest in Content-Digest is not base64.") from error
    if len(raw) != 32:
        raise Invalid(f"A sha-256 has 32 bytes; the one in Content-Digest has {len(raw)}.")
    return raw.hex()


@dataclass(frozen=True)
class Stretch:
    """A run of bytes of an answer; `partial` unless it is the whole file."""

    offset: int
    length: int
    partial: bool


def asked_range(header: str, size: int) -> Stretch | None:
    """Return the bytes that a `Range` header asks for; None when none of them exists (416).

    Several ranges and units we do not know give the whole file. Source: RFC 9110 section 14.
    """
    whole = Stretch(0, size, False)
    found = _RANGE.fullmatch(header.replace(" ", ""))
    if found is None or found[1] == found[2] == "":
        return whole
    first, last = found[1], found[2]
    if not first:
        length = min(int(last), size)
        return Stretch(size - length, length, True) if length else None
    end = min(int(last), size - 1) if last else size - 1
    if int(first) >= size:
        return None
    return Stretch(int(first), end - int(first) + 1, True) if end >= int(first) else whole
