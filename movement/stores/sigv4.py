"""Signing of S3 requests in headers. Source: AWS Signature Version 4, as S3 documents it.

The payload is not part of the signature: over https TLS guards it, over plain http the checksum
header does. That is what lets a body stream through without being read beforehand.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote

_ALGORITHM = "AWS4-HMAC-SHA256"
_PAYLOAD = "UNSIGNED-PAYLOAD"


def quote_path(path: str) -> str:
    """Percent-encode a path as the signature and the request line both need it."""
    return quote(path, safe="/-_.~")


def quote_query(query: Mapping[str, str]) -> str:
    """Return the canonical query: sorted, encoded, with `=` even for an empty value."""
    return "&".join(
        f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}"
        for name, value in sorted(query.items())
    )


class _Keyed:
    """HMAC-SHA256 under one key, from the two states that only the key makes.

    A third of the time of `hmac.digest`, which builds both anew. Source: RFC 2104 section 4.
    """

    def __init__(self, key: bytes) -> None:
        block = key.ljust(64, b"\0")
        self._inner = hashlib.sha256(bytes([byte ^ 0x36 for byte in block]))
        self._outer = hashlib.sha256(bytes([byte ^ 0x5C for byte in block]))

    def sign(self, message: bytes) -> str:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.hexdigest()


@lru_cache(maxsize=64)
def _signing_key(secret_key: str, day: str, region: str) -> _Keyed:
    key = ("AWS4" + secret_key).encode()
    for step in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, step.encode(), "sha256")
    return _Keyed(key)


@lru_cache(maxsize=4)
def _told(second: int) -> str:
    """Return a time as signatures tell it; many requests share a second."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with one pair of keys; its repr shows neither."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    region: str

    def sign(
        self, method: str, path: str, query: str, headers: Mapping[str, str]
    ) -> dict[str, str]:
        """Return `headers` with the date and the signature; `path` and `query` are encoded.

        `headers` must have lower-case names and hold `host`.
        """
        now = _told(int(time.time()))
        day = now[:8]
        signed = {**headers, "x-amz-content-sha256": _PAYLOAD, "x-amz-date": now}
        names = sorted([n for n in signed if n == "host" or n.startswith("x-amz-")])
        listed = ";".join(names)
        lines = "".join([f"{name}:{' '.join(signed[name].split())}\n" for name in names])
        canonical = f"{method}\n{path}\n{query}\n{lines}\n{listed}\n{_PAYLOAD}"
        scope = f"{day}/{self.region}/s3/aws4_request"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        proof = _signing_key(self.secret_key, day, self.region).sign(
            f"{_ALGORITHM}\n{now}\n{scope}\n{digest}".encode()
        )
        signed["authorization"] = (
            f"{_ALGORITHM} Credential={self.access_key}/{scope}, "
            f"SignedHeaders={listed}, Signature={proof}"
        )
        return signed
