"""An S3 server that keeps no bytes: the fast source and sink of the copy benchmark.

    python -m benchmarks.null_s3 BUCKET:FILES:FILE_BYTES…

It prints its port and serves 127.0.0.1 until its standard input ends. The buckets it is started
with hold generated files, each a repetition of `BLOCK`; what is put is counted and thrown away, and
only its size, its type and its metadata are kept. One thread, one epoll: a request costs some
40 µs, a body what the kernel needs to copy it once (out) or not at all (in).

It answers what our engine, rclone and s5cmd ask: HEAD, GET with ranges, PUT, both listings, and
multipart uploads with their listings. Signatures and checksums are read by nobody.
"""

from __future__ import annotations

import random
import re
import select
import socket
import sys
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from urllib.parse import parse_qsl, unquote
from xml.sax.saxutils import escape

BLOCK_BYTES = 4 * 1024 * 1024
BLOCK = random.Random("fairmesh").randbytes(BLOCK_BYTES)
"""Every generated file is this, over and over, cut at the file's size."""
_SCRATCH_BYTES = 4 * 1024 * 1024
_HEAD_BYTES_MAX = 65_536
_CLOCK = "2026-01-01T00:00:00.000Z"
_MODIFIED = formatdate(1767225600, usegmt=True)
_PAGE = 1000
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def file_name(index: int) -> str:
    return f"part-{index:05d}.bin"


@dataclass(slots=True)
class _Object:
    bytes: int
    media_type: str = "application/octet-stream"
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Upload:
    key: str
    facts: _Object
    parts: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Bucket:
    objects: dict[str, _Object] = field(default_factory=dict)
    ordered: list[str] | None = None

    def keys(self) -> list[str]:
        if self.ordered is None:
            self.ordered = sorted(self.objects, key=str.encode)
        return self.ordered

    def put(self, key: str, stored: _Object) -> None:
        if key not in self.objects:
            self.ordered = None
        self.objects[key] = stored


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str]

    @property
    def body_bytes(self) -> int:
        """What the body says, without the frames of `aws-chunked`."""
        told = self.headers.get("x-amz-decoded-content-length")
        return int(told or self.headers.get("content-length", "0"))


@dataclass(frozen=True, slots=True)
class _Answer:
    status: str = "200 OK"
    headers: str = ""
    document: bytes = b""
    content: tuple[int, int] | None = None
    """From and to, of a generated file; instead of a document."""
    length: int | None = None
    """What a HEAD tells; by default what is sent."""


def _etag(size: int) -> str:
    return f'"{size:032x}-1"'


def _xml(root: str, inner: str) -> _Answer:
    text = f'<?xml version="1.0" encoding="UTF-8"?><{root}>{inner}</{root}>'
    return _Answer(headers="content-type: application/xml\r\n", document=text.encode())


def _error(status: str, code: str) -> _Answer:
    document = f"<Error><Code>{code}</Code></Error>".encode()
    return _Answer(status, "content-type: application/xml\r\n", document)


class NullS3:
    """The objects that are told of, and the answer to each request."""

    def __init__(self, buckets: Mapping[str, tuple[int, int]]) -> None:
        self._uploads: dict[str, _Upload] = {}
        self._begun = 0
        self._buckets = {
            name: _Bucket({file_name(index): _Object(size) for index in range(files)})
            for name, (files, size) in buckets.items()
        }

    def answer(self, request: _Request) -> _Answer:
        """Answer a request whose body was taken."""
        if not request.key:
            return self._on_bucket(request)
        bucket = self._buckets.get(request.bucket)
        if bucket is None:
            return _error("404 Not Found", "NoSuchBucket")
        act: dict[str, Callable[[_Request, _Bucket], _Answer]] = {
            "GET": self._get,
            "HEAD": self._get,
            "PUT": self._put,
            "POST": self._post,
            "DELETE": self._delete,
        }
        return act[request.method](request, bucket)

    # -- buckets

    def _on_bucket(self, request: _Request) -> _Answer:
        if request.method == "PUT":
            self._buckets.setdefault(request.bucket, _Bucket())
            return _Answer()
        bucket = self._buckets.get(request.bucket)
        if bucket is None:
            return _error("404 Not Found", "NoSuchBucket")
        if request.method == "DELETE":
            del self._buckets[request.bucket]
            return _Answer("204 No Content")
        if request.method == "HEAD":
            return _Answer()
        if "uploads" in request.query:
            return self._list_uploads(request)
        if "location" in request.query:
            return _xml("LocationConstraint", "us-east-1")
        return _listing(request, bucket)

    def _list_uploads(self, request: _Request) -> _Answer:
        prefix = request.query.get("prefix", "")
        return _xml(
            "ListMultipartUploadsResult",
            "<IsTruncated>false</IsTruncated>"
            + "".join(
                f"<Upload><Key>{escape(upload.key)}</Key><UploadId>{upload_id}</UploadId>"
                f"<Initiated>{_CLOCK}</Initiated></Upload>"
                for upload_id, upload in self._uploads.items()
                if upload.key.startswith(prefix)
            ),
        )

    # -- objects

    def _get(self, request: _Request, bucket: _Bucket) -> _Answer:
        if "uploadId" in request.query:
            return self._list_parts(request)
        found = bucket.objects.get(request.key)
        if found is None:
            return _error("404 Not Found", "NoSuchKey")
        start, end, status, ranged = 0, found.bytes, "200 OK", ""
        if (asked := _RANGE.fullmatch(request.headers.get("range", ""))) is not None:
            start = int(asked[1])
            end = min(end, int(asked[2]) + 1) if asked[2] else end
            if start >= end:
                return _error("416 Range Not Satisfiable", "InvalidRange")
            status = "206 Partial Content"
            ranged = f"content-range: bytes {start}-{end - 1}/{found.bytes}\r\n"
        metadata = "".join(f"{name}: {value}\r\n" for name, value in found.metadata.items())
        headers = (
            f"etag: {_etag(found.bytes)}\r\nlast-modified: {_MODIFIED}\r\naccept-ranges: bytes\r\n"
            f"content-type: {found.media_type}\r\n{metadata}{ranged}"
        )
        if request.method == "HEAD":
            return _Answer(status, headers, length=end - start)
        return _Answer(status, headers, content=(start, end))

    def _put(self, request: _Request, bucket: _Bucket) -> _Answer:
        if "uploadId" in request.query:
            upload = self._uploads.get(request.query["uploadId"])
            if upload is None:
                return _error("404 Not Found", "NoSuchUpload")
            upload.parts[int(request.query["partNumber"])] = request.body_bytes
            return _Answer(headers=f"etag: {_etag(request.body_bytes)}\r\n")
        if request.headers.get("if-none-match") == "*" and request.key in bucket.objects:
            return _error("412 Precondition Failed", "PreconditionFailed")
        bucket.put(request.key, _facts(request))
        return _Answer(headers=f"etag: {_etag(request.body_bytes)}\r\n")

    def _delete(self, request: _Request, bucket: _Bucket) -> _Answer:
        if "uploadId" in request.query:
            self._uploads.pop(request.query["uploadId"], None)
        elif bucket.objects.pop(request.key, None) is not None:
            bucket.ordered = None
        return _Answer("204 No Content")

    # -- uploads

    def _post(self, request: _Request, bucket: _Bucket) -> _Answer:
        if "uploads" in request.query:
            self._begun += 1
            upload_id = f"upload-{self._begun}"
            self._uploads[upload_id] = _Upload(request.key, _facts(request))
            return _xml(
                "InitiateMultipartUploadResult",
                f"<Bucket>{request.bucket}</Bucket><Key>{escape(request.key)}</Key>"
                f"<UploadId>{upload_id}</UploadId>",
            )
        upload = self._uploads.pop(request.query.get("uploadId", ""), None)
        if upload is None:
            return _error("404 Not Found", "NoSuchUpload")
        upload.facts.bytes = sum(upload.parts.values())
        bucket.put(request.key, upload.facts)
        return _xml(
            "CompleteMultipartUploadResult",
            f"<Bucket>{request.bucket}</Bucket><Key>{escape(request.key)}</Key>"
            f"<ETag>{escape(_etag(upload.facts.bytes))}</ETag>",
        )

    def _list_parts(self, request: _Request) -> _Answer:
        upload = self._uploads.get(request.query["uploadId"])
        if upload is None:
            return _error("404 Not Found", "NoSuchUpload")
        return _xml(
            "ListPartsResult",
            "<IsTruncated>false</IsTruncated>"
            + "".join(
                f"<Part><PartNumber>{number}</PartNumber><Size>{size}</Size>"
                f"<ETag>{escape(_etag(size))}</ETag></Part>"
                for number, size in sorted(upload.parts.items())
            ),
        )


def _facts(request: _Request) -> _Object:
    metadata = {n: v for n, v in request.headers.items() if n.startswith("x-amz-meta-")}
    return _Object(
        request.body_bytes, request.headers.get("content-type", "binary/octet-stream"), metadata
    )


def _listing(request: _Request, bucket: _Bucket) -> _Answer:
    query = request.query
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    newer = query.get("list-type") == "2"
    after = max(query.get(name, "") for name in ("continuation-token", "start-after", "marker"))
    limit = min(_PAGE, int(query.get("max-keys", _PAGE)))
    keys = bucket.keys()
    rows: list[str] = []
    folders: set[str] = set()
    last, cut = after, False
    for key in keys[bisect_right(keys, after) :]:
        if not key.startswith(prefix):
            continue
        folder, found, _ = key[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
        folder = prefix + folder + delimiter
        if found and (folder in folders or after.startswith(folder)):
            continue
        if len(rows) + len(folders) == limit:
            cut = True
            break
        last = key
        if found:
            folders.add(folder)
        else:
            rows.append(_listed(key, bucket.objects[key].bytes))
    marker = "NextContinuationToken" if newer else "NextMarker"
    return _xml(
        "ListBucketResult",
        f"<Name>{request.bucket}</Name><Prefix>{escape(prefix)}</Prefix>"
        f"<KeyCount>{len(rows) + len(folders)}</KeyCount><MaxKeys>{limit}</MaxKeys>"
        f"<IsTruncated>{str(cut).lower()}</IsTruncated>"
        + (f"<{marker}>{escape(last)}</{marker}>" if cut else "")
        + "".join(rows)
        + "".join(
            f"<CommonPrefixes><Prefix>{escape(folder)}</Prefix></CommonPrefixes>"
            for folder in sorted(folders)
        ),
    )


def _listed(key: str, size: int) -> str:
    return (
        f"<Contents><Key>{escape(key)}</Key><LastModified>{_CLOCK}</LastModified>"
        f"<ETag>{escape(_etag(size))}</ETag><Size>{size}</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
    )


# -- the sockets


class _Client:
    """One connection: a request is read, its body dropped, its answer sent, and so on."""

    def __init__(self, server: _Server, connection: socket.socket) -> None:
        self._server = server
        self.socket = connection
        self._read = bytearray()
        self._request: _Request | None = None
        self._body_left = 0
        self._head = b""
        self._at = self._end = 0
        self._waits_to_write = False

    def on_event(self) -> bool:
        """Go on until an answer is sent or the socket would block; False at the end of it."""
        try:
            self._go_on()
        except BlockingIOError:
            return True
        except (ConnectionError, ValueError):
            return False
        return True

    def _go_on(self) -> None:
        if not self._head and self._at >= self._end:
            if not self._body_left:
                self._take_head()
            while self._body_left:
                self._drop()
            self._answer()
        while self._head or self._at < self._end:
            self._send()

    def _take_head(self) -> None:
        while (end := self._read.find(b"\r\n\r\n")) < 0:
            if not (data := self.socket.recv(_HEAD_BYTES_MAX)):
                raise ConnectionError
            self._read += data
        self._request = _parse(self._read[:end].decode("latin-1"))
        length = int(self._request.headers.get("content-length", "0"))
        there = min(length, len(self._read) - end - 4)
        del self._read[: end + 4 + there]
        self._body_left = length - there
        if self._body_left and "expect" in self._request.headers:
            self.socket.send(_CONTINUE)

    def _drop(self) -> None:
        # MSG_TRUNC: the kernel throws the bytes away instead of copying them
        wanted = min(self._body_left, _SCRATCH_BYTES)
        count = self.socket.recv_into(self._server.scratch, wanted, socket.MSG_TRUNC)
        if not count:
            raise ConnectionError
        self._body_left -= count

    def _answer(self) -> None:
        assert self._request is not None
        answer = self._server.store.answer(self._request)
        self._at, self._end = answer.content or (0, 0)
        length = self._end - self._at if answer.content else len(answer.document)
        if answer.length is not None:
            length = answer.length
        self._head = (
            f"HTTP/1.1 {answer.status}\r\n{answer.headers}content-length: {length}\r\n"
            "server: null\r\n\r\n"
        ).encode("latin-1")
        if self._request.method != "HEAD":
            self._head += answer.document

    def _send(self) -> None:
        try:
            if self._head:
                count = self.socket.sendmsg((self._head, self._piece()))
                kept = max(0, len(self._head) - count)
                self._at += count - (len(self._head) - kept)
                self._head = self._head[len(self._head) - kept :]
            else:
                self._at += self.socket.send(self._piece())
        except BlockingIOError:
            self._watch(writing=True)
            raise
        if not self._head and self._at >= self._end:
            self._watch(writing=False)

    def _piece(self) -> memoryview:
        start = self._at % BLOCK_BYTES
        return self._server.block[start : start + self._end - self._at]

    def _watch(self, *, writing: bool) -> None:
        if writing != self._waits_to_write:
            self._waits_to_write = writing
            events = select.EPOLLOUT if writing else select.EPOLLIN
            self._server.poll.modify(self.socket.fileno(), events)


def _parse(head: str) -> _Request:
    line, *lines = head.split("\r\n")
    method, target, _ = line.split(" ", 2)
    path, _, asked = target.partition("?")
    bucket, _, key = unquote(path).removeprefix("/").partition("/")
    headers = {}
    for each in lines:
        name, _, value = each.partition(":")
        headers[name.lower()] = value.strip()
    query = dict(parse_qsl(asked, keep_blank_values=True)) if asked else {}
    return _Request(method, bucket, key, query, headers)


class _Server:
    def __init__(self, store: NullS3) -> None:
        self.store = store
        self.block = memoryview(BLOCK)
        self.scratch = bytearray(_SCRATCH_BYTES)
        self.poll = select.epoll()
        self._clients: dict[int, _Client] = {}

    def serve(self, listener: socket.socket, until: int) -> None:
        """Serve until the file descriptor `until` has something to read."""
        listener.setblocking(False)
        self.poll.register(listener.fileno(), select.EPOLLIN)
        self.poll.register(until, select.EPOLLIN)
        while True:
            for fd, _ in self.poll.poll():
                if fd == until:
                    return
                if fd == listener.fileno():
                    self._accept(listener)
                elif not self._clients[fd].on_event():
                    self.poll.unregister(fd)
                    self._clients.pop(fd).socket.close()

    def _accept(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._clients[connection.fileno()] = _Client(self, connection)
        self.poll.register(connection.fileno(), select.EPOLLIN)


def main() -> None:
    told = [word.split(":") for word in sys.argv[1:]]
    store = NullS3({name: (int(files), int(size)) for name, files, size in told})
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        print(listener.getsockname()[1], flush=True)
        _Server(store).serve(listener, sys.stdin.fileno())


if __name__ == "__main__":
    main()
