"""Reading the body of an event: plain or gzip, bounded before and after it is unpacked."""

from __future__ import annotations

import json
import zlib
from typing import IO, Any

from rest_framework.parsers import BaseParser

from core.errors import Invalid

MAX_BODY_BYTES = 10 * 1024 * 1024
MAX_DEPTH = 100


class BodyTooLarge(Invalid):
    """The body is beyond what one request may carry."""

    code = "body_too_large"
    title = "The body is too large"
    status = 413


class NotJson(Invalid):
    """The body is not the JSON that it should be."""

    code = "not_json"
    title = "The body is not JSON"
    status = 400


class EventParser(BaseParser):
    """JSON, or JSON in gzip when Content-Encoding says so. Raises BodyTooLarge or NotJson."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None
    ) -> Any:
        body = stream.read(MAX_BODY_BYTES + 1)
        request = (parser_context or {}).get("request")
        encoding = request.headers.get("Content-Encoding", "") if request else ""
        if encoding.lower() == "gzip":
            body = _unpack(body)
        elif encoding.lower() not in {"", "identity"}:
            raise NotJson(f"The content encoding {encoding!r} is not known; send gzip or none.")
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLarge(f"The body has more than {MAX_BODY_BYTES:,} bytes; send less.")
        return _load(body)


def _unpack(body: bytes) -> bytes:
    """Return the unpacked body, one byte more than allowed at most, so that no bomb goes off."""
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        plain = unpacker.decompress(body, MAX_BODY_BYTES + 1)
    except zlib.error as error:
        raise NotJson("The body says it is gzip, but it cannot be unpacked.") from error
    if not unpacker.eof and len(plain) <= MAX_BODY_BYTES:
        raise NotJson("The gzip body ends too early.")
    return plain


def _load(body: bytes) -> Any:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotJson("The body cannot be read as JSON.") from error
    if _too_deep(value):
        raise NotJson(f"The body is nested deeper than {MAX_DEPTH} levels.")
    return value


def _too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for each in level
            if isinstance(each, dict | list)
            for child in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return False
    return True
