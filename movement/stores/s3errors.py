"""What an S3 refusal means to us: try again, mend something, or bad bytes."""

from __future__ import annotations

from core.errors import (
    Conflict,
    DigestMismatch,
    FairmeshError,
    ObjectMissing,
    StoreRefused,
    StoreUnavailable,
)
from movement.stores import s3xml

_BAD_BYTES = {"BadDigest", "InvalidDigest", "XAmzContentChecksumMismatch"}
_LATER = {"SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable", "IncompleteBody"}
_TAKEN = {"PreconditionFailed", "ConditionalRequestConflict"}
"""May come in the body of an answer that began as a 200."""
_MISSING = {"NoSuchKey", "NoSuchUpload"}


def error_from(status: int, document: bytes, store: str, key: str) -> FairmeshError:
    """Return the error that an S3 answer stands for, naming the store and the object."""
    code, message = s3xml.error_of(document) or ("", "")
    told = f"{store} answered {status} {code or 'without a code'} for {key!r}"
    told = f"{told}: {message}" if message else f"{told}."
    kind: type[FairmeshError] = StoreRefused
    if code in _BAD_BYTES:
        kind = DigestMismatch
    elif code in _TAKEN or status in (409, 412):
        kind = Conflict
    elif code in _LATER or status >= 500 or status in (408, 429):
        kind = StoreUnavailable
    elif code in _MISSING or (status == 404 and not code):
        kind = ObjectMissing
    return kind(told, store=store, key=key, store_code=code, store_status=status)
