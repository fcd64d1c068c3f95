"""Signing of S3 requests in headers. Source: AWS Signature Version 4, as S3 documents it.

The payload is not part of the signature: over https TLS guards it, over plain http the checksum
header does. That is what lets a body stream through without being read beforehand.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
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


@lru_cache(maxsize=64)
def _signing_key(secret_key: str, day: str, region: str) -> bytes:
    key = ("AWS4" + secret_key).encode()
    for step in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, step.encode(), "sha256")
    return key


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
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        day = now[:8]
        signed = {**headers, "x-amz-content-sha256": _PAYLOAD, "x-amz-date": now}
        names = sorted(n for n in signed if n == "host" or n.startswith("x-amz-"))
        listed = ";".join(names)
        lines = "".join(f"{name}:{' '.join(signed[name].split())}\n" for name in names)
        canonical = f"{method}\n{path}\n{query}\n{lines}\n{listed}\n{_PAYLOAD}"
        scope = f"{day}/{self.region}/s3/aws4_request"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        proof = hmac.digest(
            _signing_key(self.secret_key, day, self.region),
            f"{_ALGORITHM}\n{now}\n{scope}\n{digest}".encode(),
            "sha256",
        ).hex()
        signed["authorization"] = (
            f"{_ALGORITHM} Credential={self.access_key}/{scope}, "
            f"SignedHeaders={listed}, Signature={proof}"
        )
        return signed
