"""A store on any S3 server. `minio` steers (buckets, listings, URLs); the bytes go by our wire."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import urllib3
from minio import Minio
from minio.error import MinioException, S3Error

from core.digests import sha256_digest
from core.errors import (
    Conflict,
    DigestMismatch,
    FairmeshError,
    Invalid,
    ObjectMissing,
    StoreRefused,
    StoreUnavailable,
)
from movement.stores import s3xml
from movement.stores.crc32c import crc32c_from_header, crc32c_to_header
from movement.stores.protocol import (
    Asked,
    AskedPut,
    Body,
    Bytes,
    Capabilities,
    Generation,
    ObjectFacts,
    ObjectInfo,
    Part,
    Upload,
    check_key,
    check_media_type,
    check_presign_seconds,
    read_all,
)
from movement.stores.s3answers import SHA256_HEADER, Answer, NothingLeft, ObjectReader, info_of
from movement.stores.s3copies import Copies
from movement.stores.s3errors import error_from
from movement.stores.s3generations import Generations
from movement.stores.s3locks import keep_locked
from movement.stores.s3probe import look_closely
from movement.stores.s3wire import CONNECT_SECONDS, IO_SECONDS, Endpoint, Exchange, Wire
from movement.stores.s3writer import S3Writer
from movement.stores.sigv4 import Signer

_CRC32C_HEADER = "x-amz-checksum-crc32c"
_NOT_IMPLEMENTED = 501
logger = logging.getLogger(__name__)


class S3Store:
    """Objects below `prefix` in one bucket. Its repr and its errors never show the keys.

    The sha256 of an object is its metadata `x-amz-meta-sha256`. An object streamed by `writer`
    in several parts learns it after the fact, by a copy onto itself; above 5 GiB, where S3 allows
    no such copy, it stays unknown (`ObjectInfo.sha256` is None).

    """

    conditional_put = True
    """Set it to False when a probe found that the server ignores If-None-Match."""

    def __init__(
        self,
        endpoint: str,
        bucket: str,
        prefix: str,
        access_key: str,
        secret_key: str,
        region: str = "us-east-1",
    ) -> None:
        where = Endpoint.parse(endpoint)
        self._bucket = bucket
        self._prefix = check_key(prefix.strip("/")) + "/" if prefix.strip("/") else ""
        self._wire = Wire(where, Signer(access_key, secret_key, region))
        self._region = region
        self._told_of_races = False
        self._control = Minio(
            where.authority,
            access_key,
            secret_key,
            secure=where.tls,
            region=region,
            http_client=urllib3.PoolManager(
                timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=IO_SECONDS),
                retries=urllib3.Retry(total=1, redirect=False, backoff_factor=0.2),
                maxsize=16,
            ),
        )
        self.label = f"{where.url}/{bucket}/{self._prefix}".rstrip("/")

    def __repr__(self) -> str:
        return f"S3Store({self.label!r})"

    # -- the store itself

    def probe(self, known: Capabilities | None = None) -> Capabilities:
        try:
            answer = self._ask("HEAD", None)
            if answer.status == 404:
                return Capabilities(True, False, presign=True, problem="The bucket is not there.")
            self._check(answer, "")
            self._check(self._ask("GET", None, {"uploads": "", "max-uploads": "1"}), "")
            return known or look_closely(self, self._ask)
        except StoreUnavailable as error:
            return Capabilities(False, False, problem=error.detail)
        except FairmeshError as error:
            return Capabilities(True, False, presign=True, problem=error.detail)

    def ensure_ready(self) -> None:
        with self._steering(""):
            if not self._control.bucket_exists(self._bucket):
                try:
                    self._control.make_bucket(self._bucket, self._region)
                except S3Error as error:
                    if error.code not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                        raise

    # -- whole objects

    def stat(self, key: str) -> ObjectInfo | None:
        answer = self._ask("HEAD", key)
        if answer.status == 404:
            return None
        self._check(answer, key)
        return info_of(key, answer)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """As the protocol; SeaweedFS lists by folder, so there the listing is sorted in memory."""
        listed = self._listed(prefix)
        if self._lists_by_folder():
            yield from sorted(listed, key=lambda info: info.key.encode())
            return
        last = b""
        for info in listed:
            if (key := info.key.encode()) < last:
                raise StoreRefused(f"{self.label} lists out of order; its listing is no use.")
            last = key
            yield info

    def _lists_by_folder(self) -> bool:
        return "seaweedfs" in self._ask("HEAD", None).headers.get("server", "").lower()

    def _listed(self, prefix: str) -> Iterator[ObjectInfo]:
        query = {
            "list-type": "2", "encoding-type": "url", "prefix": self._prefix + prefix,
        }  # fmt: skip
        while True:
            root = self._document(self._ask("GET", None, query), prefix)
            for found in s3xml.listed_objects(root):
                yield replace(found, key=found.key.removeprefix(self._prefix))
            if root.findtext("IsTruncated") != "true":
                return
            token = root.findtext("NextContinuationToken")
            if not token or token == query.get("continuation-token"):
                raise StoreRefused(f"{self.label} lists a part and does not say how to go on.")
            query["continuation-token"] = token

    @contextlib.contextmanager
    def open(
        self, key: str, offset: int = 0, length: int | None = None
    ) -> Iterator[ObjectReader | NothingLeft]:
        if length == 0:
            yield NothingLeft(self._need(key).bytes)
            return
        headers = {}
        if offset or length is not None:
            last = "" if length is None else str(offset + length - 1)
            headers["range"] = f"bytes={offset}-{last}"
        with self._opened(self._wire.request("GET", self._path(key), headers=headers), key) as read:
            yield read

    @contextlib.contextmanager
    def _opened(self, exchange: Exchange, key: str) -> Iterator[ObjectReader | NothingLeft]:
        refusal: FairmeshError | None = None
        with exchange as response:
            if response.status in (200, 206):
                yield ObjectReader(response)
            else:
                document = response.read()
                if response.status != 416:
                    refusal = error_from(response.status, document, self.label, key)
        if refusal is not None:
            raise refusal
        if response.status == 416:
            yield NothingLeft(self._need(key).bytes)

    def ask(self, key: str) -> Asked:
        exchange = self._wire.request("GET", self._path(key))
        exchange.send()
        return Asked(exchange.drop, lambda: self._opened(exchange, key))

    def _need(self, key: str) -> ObjectInfo:
        if (info := self.stat(key)) is None:
            raise ObjectMissing(f"{self.label} does not hold {key!r}.", key=key)
        return info

    def read(self, key: str) -> bytes:
        with self.open(key) as reader:
            return read_all(reader, key)

    def write(self, key: str, data: Bytes, *, sha256: str, media_type: str) -> ObjectInfo:
        if sha256_digest(data).removeprefix("sha256:") != sha256:
            raise DigestMismatch(f"The bytes for {key!r} do not hash to {sha256}.", key=key)
        etag = self.put(key, Body.of(data), ObjectFacts(sha256, media_type))
        return ObjectInfo(key, len(data), etag, sha256, datetime.now(UTC))

    def put(self, key: str, body: Body, facts: ObjectFacts, *, if_absent: bool = False) -> str:
        headers = self._put_headers(key, facts, if_absent=if_absent)
        return self._etag(self._ask("PUT", key, None, headers, body), key)

    def _put_headers(self, key: str, facts: ObjectFacts, *, if_absent: bool) -> dict[str, str]:
        headers = {"content-type": facts.media_type, SHA256_HEADER: facts.sha256}
        return headers | self._condition(key, if_absent=if_absent)

    def _condition(self, key: str, *, if_absent: bool) -> dict[str, str]:
        """Return the header that has an object stay which is there; without it look beforehand."""
        if if_absent and self.conditional_put:
            return {"if-none-match": "*"}
        if if_absent:
            self._refuse_present(key)
        return {}

    def _etag(self, answer: Answer, key: str) -> str:
        return self._check(answer, key).headers.get("etag", "").strip('"')

    def ask_put(self, key: str, body: Body, facts: ObjectFacts, *, if_absent: bool) -> AskedPut:
        headers = self._put_headers(key, facts, if_absent=if_absent)
        exchange = self._request("PUT", key, None, headers, body)
        exchange.send()
        return AskedPut(exchange.drop, lambda: self._etag(_answer(exchange), key))

    def _refuse_present(self, key: str) -> None:
        if not self._told_of_races:
            self._told_of_races = True
            logger.warning(
                "%s has no conditional put: what is absent is looked for beforehand, and of two "
                "writers of one key at the same moment the later one stays.",
                self.label,
            )
        if self.stat(key) is not None:
            raise Conflict(f"{self.label} holds {key!r} already.", key=key)

    def writer(self, key: str, *, media_type: str, total_bytes: int | None = None) -> S3Writer:
        check_key(key)
        return S3Writer(self, key, check_media_type(media_type), total_bytes)

    def record_sha256(self, key: str, facts: ObjectFacts, object_bytes: int) -> None:
        """Write `facts` to an object already there; not possible, and not done, above 5 GiB."""
        Copies(self, self._ask, self._path).record(key, facts, object_bytes)

    def copy_within(self, source_key: str, target_key: str, facts: ObjectFacts) -> ObjectInfo:
        source = self._need(source_key)
        if source.sha256 not in (None, facts.sha256):
            raise DigestMismatch(
                f"{source_key!r} is recorded as {source.sha256}, not {facts.sha256}.",
                key=source_key,
            )
        Copies(self, self._ask, self._path).copy(source, target_key, facts)
        return self._need(target_key)

    def lock(self, key: str, until: datetime | None, *, hold: bool | None = None) -> None:
        with self._steering(check_key(key)):
            keep_locked(self._control, self._bucket, self._prefix + key, until, hold=hold)

    def delete(self, key: str) -> None:
        answer = self._ask("DELETE", key)
        if answer.status != 404:
            self._check(answer, key)

    def generations(self, prefix: str) -> Iterator[Generation]:
        found = Generations(self._ask, self._prefix, self.label).list(prefix)
        if found is not None:
            return found
        return (Generation(each.key, each.bytes, "", mark=False) for each in self.list(prefix))

    def erase(self, generation: Generation) -> None:
        Generations(self._ask, self._prefix, self.label).erase(generation)

    def presign_get(self, key: str, seconds: int) -> str | None:
        lifetime = timedelta(seconds=check_presign_seconds(seconds))
        with self._steering(key):
            return self._control.presigned_get_object(
                self._bucket, self._prefix + check_key(key), lifetime
            )

    # -- parts

    def begin_upload(self, key: str, facts: ObjectFacts, *, part_bytes: int) -> str:
        del part_bytes  # S3 learns the size of each part from the part
        known = {SHA256_HEADER: facts.sha256, "x-amz-checksum-algorithm": "CRC32C"}
        return self._begin(key, facts.media_type, known)

    def begin_stream(self, key: str, media_type: str) -> str:
        """Begin an upload whose sha256 is not known yet; `record_sha256` tells it later."""
        return self._begin(key, media_type, {"x-amz-checksum-algorithm": "CRC32C"})

    def begin_copy(self, key: str, facts: ObjectFacts) -> str:
        """Begin an upload whose parts the server copies: it promises checksums of none of them."""
        return self._begin(key, facts.media_type, {SHA256_HEADER: facts.sha256})

    def _begin(self, key: str, media_type: str, known: Mapping[str, str]) -> str:
        headers = {"content-type": media_type, **known}
        root = self._document(self._ask("POST", key, {"uploads": ""}, headers), key)
        return root.findtext("UploadId", "")

    def parts(self, key: str, upload_id: str) -> tuple[Part, ...]:
        found: list[Part] = []
        marker = "0"
        while True:
            query = {"uploadId": upload_id, "part-number-marker": marker}
            root = self._document(self._ask("GET", key, query), key)
            found.extend(s3xml.listed_parts(root))
            marker = root.findtext("NextPartNumberMarker", "")
            if root.findtext("IsTruncated") != "true" or not marker:
                return tuple(sorted(found, key=lambda part: part.number))

    def put_part(self, key: str, upload_id: str, number: int, body: Body) -> Part:
        query = {"uploadId": upload_id, "partNumber": str(number)}
        answer = self._check(self._ask("PUT", key, query, {}, body), key)
        told = crc32c_from_header(answer.headers.get(_CRC32C_HEADER))
        etag = answer.headers.get("etag", "").strip('"')
        return Part(number, body.bytes, etag, body.crc32c if told is None else told)

    def complete_upload(
        self, key: str, upload_id: str, parts: Sequence[Part], *, if_absent: bool = False
    ) -> None:
        """As the protocol; a server may know the condition for whole objects alone."""
        data = s3xml.complete_request(parts)
        query, body = {"uploadId": upload_id}, Body(len(data), (data,))
        answer = self._ask("POST", key, query, self._condition(key, if_absent=if_absent), body)
        if answer.status == _NOT_IMPLEMENTED and if_absent:
            self._refuse_present(key)
            answer = self._ask("POST", key, query, {}, body)
        if answer.status == 200 and s3xml.error_of(answer.document):
            raise error_from(500, answer.document, self.label, key)
        self._check(answer, key)

    def abort_upload(self, key: str, upload_id: str) -> None:
        answer = self._ask("DELETE", key, {"uploadId": upload_id})
        if answer.status != 404:
            self._check(answer, key)

    def uploads(self, prefix: str = "") -> Iterator[Upload]:
        query = {"uploads": "", "prefix": self._prefix + prefix}
        while True:
            root = self._document(self._ask("GET", None, query), prefix)
            for upload in s3xml.listed_uploads(root):
                if upload.key.startswith(self._prefix + prefix):
                    key = upload.key.removeprefix(self._prefix)
                    yield Upload(key, upload.upload_id, upload.started)
            query["key-marker"] = root.findtext("NextKeyMarker", "")
            query["upload-id-marker"] = root.findtext("NextUploadIdMarker", "")
            if root.findtext("IsTruncated") != "true" or not query["key-marker"]:
                return

    # -- requests

    def _path(self, key: str | None) -> str:
        return f"/{self._bucket}" + (f"/{self._prefix}{check_key(key)}" if key is not None else "")

    def _ask(
        self,
        method: str,
        key: str | None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
    ) -> Answer:
        return _answer(self._request(method, key, query, headers, body))

    def _request(
        self,
        method: str,
        key: str | None,
        query: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        body: Body | None,
    ) -> Exchange:
        sent = dict(headers or {})
        if body is not None and body.crc32c is not None:
            sent[_CRC32C_HEADER] = crc32c_to_header(body.crc32c)
        return self._wire.request(method, self._path(key), query, sent, body or Body(0, ()))

    def _check(self, answer: Answer, key: str) -> Answer:
        if answer.status not in (200, 204):
            raise error_from(answer.status, answer.document, self.label, key)
        return answer

    def _document(self, answer: Answer, key: str) -> ET.Element:
        return s3xml.parse(self._check(answer, key).document)

    @contextlib.contextmanager
    def _steering(self, key: str) -> Iterator[None]:
        """Turn what the control client raises into our errors."""
        try:
            yield
        except S3Error as error:
            status = error.response.status if error.response is not None else 400
            document = f"<Error><Code>{error.code}</Code></Error>".encode()
            raise error_from(status, document, self.label, key) from error
        except ValueError as error:
            raise Invalid(f"{self.label}: {error}.") from error
        except (MinioException, urllib3.exceptions.HTTPError) as error:
            raise StoreUnavailable(f"{self.label} does not answer: {error}.") from error


def _answer(exchange: Exchange) -> Answer:
    with exchange as response:
        return Answer(response.status, response.headers, response.read())
