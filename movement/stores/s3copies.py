"""Copies that an S3 server makes itself: CopyObject, and UploadPartCopy for what is long.

Source: S3 CopyObject, UploadPartCopy.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

from core.errors import FairmeshError, Invalid, StoreUnavailable
from movement.stores import s3xml
from movement.stores.protocol import PARTS_MAX, ObjectFacts, ObjectInfo, Part
from movement.stores.s3answers import SHA256_HEADER, Answer, Ask
from movement.stores.s3errors import error_from

WHOLE_BYTES = 1024**3
"""S3 copies up to 5 GiB in one request, and may say nothing meanwhile: so long that the wire takes
the server for dead. Longer objects are copied part by part."""
PART_BYTES = 256 * 1024**2
_RECORD_BYTES_MAX = 5 * 1024**3


class _Uploads(Protocol):
    """What a copy needs of its store."""

    label: str

    def stat(self, key: str) -> ObjectInfo | None: ...
    def begin_copy(self, key: str, facts: ObjectFacts) -> str: ...
    def complete_upload(self, key: str, upload_id: str, parts: Sequence[Part]) -> None: ...
    def abort_upload(self, key: str, upload_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Copies:
    store: _Uploads
    ask: Ask
    path: Callable[[str], str]

    def record(self, key: str, facts: ObjectFacts, object_bytes: int) -> None:
        """Write `facts` to an object, by a copy onto itself; S3 allows none above 5 GiB."""
        if object_bytes <= _RECORD_BYTES_MAX:
            self._copy_whole(key, key, facts, {})

    def copy(self, source: ObjectInfo, target_key: str, facts: ObjectFacts) -> None:
        """Copy an object that is as `source` says; one that changes meanwhile is not copied."""
        if source.key == target_key:
            raise Invalid("An object is copied to another key than its own.", key=target_key)
        same = {"x-amz-copy-source-if-match": f'"{source.etag}"'}
        if source.bytes <= WHOLE_BYTES:
            self._copy_whole(source.key, target_key, facts, same)
        else:
            self._copy_parts(source, target_key, facts, same)
        found = self.store.stat(target_key)
        if found is None or found.bytes != source.bytes:
            raise StoreUnavailable(f"{self.store.label} did not copy {source.key!r} whole.")

    def _copy_whole(
        self, source_key: str, target_key: str, facts: ObjectFacts, more: dict[str, str]
    ) -> None:
        headers = {
            "x-amz-copy-source": quote(self.path(source_key)),
            "x-amz-metadata-directive": "REPLACE",
            "content-type": facts.media_type,
            SHA256_HEADER: facts.sha256,
            **more,
        }
        self._check(self.ask("PUT", target_key, None, headers), source_key)

    def _copy_parts(
        self, source: ObjectInfo, target_key: str, facts: ObjectFacts, more: dict[str, str]
    ) -> None:
        upload_id = self.store.begin_copy(target_key, facts)
        part_bytes = max(PART_BYTES, -(-source.bytes // PARTS_MAX))
        copied = quote(self.path(source.key))
        parts = []
        try:
            for number, start in enumerate(range(0, source.bytes, part_bytes), 1):
                end = min(start + part_bytes, source.bytes)
                headers = {
                    "x-amz-copy-source": copied,
                    "x-amz-copy-source-range": f"bytes={start}-{end - 1}",
                    **more,
                }
                query = {"uploadId": upload_id, "partNumber": str(number)}
                answer = self._check(self.ask("PUT", target_key, query, headers), source.key)
                etag = s3xml.parse(answer.document).findtext("ETag", "").strip('"')
                parts.append(Part(number, end - start, etag, None))
            self.store.complete_upload(target_key, upload_id, parts)
        except BaseException:
            with contextlib.suppress(FairmeshError):
                self.store.abort_upload(target_key, upload_id)
            raise

    def _check(self, answer: Answer, key: str) -> Answer:
        """Raise for a refusal; S3 may begin to answer 200 and then say that it failed."""
        if answer.status != 200 or s3xml.error_of(answer.document):
            status = 500 if answer.status == 200 else answer.status
            raise error_from(status, answer.document, self.store.label, key)
        return answer
