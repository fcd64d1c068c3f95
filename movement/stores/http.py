"""A store that somebody else serves: objects below a base URL, read by ranges and never written.

HTTP cannot list, so the server's owner lists: `index.json` at the base URL,

    {"files": [{"path": "raw/2026/a.csv", "bytes": 1234}, …]}

with every object below the base. Without it the objects that are known by name are read all the
same, and nothing can be listed or registered. Source: RFC 9110, sections 13 to 15.
"""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import quote, unquote, urlsplit

from core.errors import FairmeshError, Invalid, ObjectMissing, StoreRefused, StoreUnavailable
from movement.stores.httpwire import Web
from movement.stores.protocol import (
    Capabilities,
    Generation,
    ObjectInfo,
    check_key,
    check_presign_seconds,
    read_all,
)
from movement.stores.readonly import ReadOnly
from movement.stores.s3answers import NothingLeft, http_time
from movement.stores.s3wire import Endpoint

INDEX = "index.json"
_ABSENT = (404, 410)
_NO_HEAD = (405, 501)


class _RangeReader:
    """The rest of an answer, at most `left` bytes of it."""

    def __init__(
        self, web: Web, response: http.client.HTTPResponse, object_bytes: int, left: int
    ) -> None:
        self._web, self._response = web, response
        self.object_bytes, self._left = object_bytes, left

    def readinto(self, buffer: bytearray | memoryview) -> int:
        view = memoryview(buffer)[: self._left]
        if not len(view):
            return 0
        with self._web.guarded():
            count = self._response.readinto(view)
            if not count:
                raise ConnectionError("the stream broke off early")
        self._left -= count
        return count


class HttpStore(ReadOnly):
    """Objects below `base_url`. `private` allows a server in our own network."""

    def __init__(self, base_url: str, *, private: bool = False) -> None:
        parts = urlsplit(base_url)
        if parts.query or parts.fragment:
            raise Invalid("A base URL has no query and no fragment.")
        where = Endpoint.parse(f"{parts.scheme}://{parts.netloc}")
        path = unquote(parts.path).strip("/")
        self._base = f"/{check_key(path)}/" if path else "/"
        self._web = Web(where, private=private)
        self.label = f"{where.url}{quote(self._base)}".rstrip("/")

    def __repr__(self) -> str:
        return f"HttpStore({self.label!r})"

    # -- the store itself

    def probe(self, known: Capabilities | None = None) -> Capabilities:
        del known  # nothing is ever written
        try:
            with self._ask("HEAD", "") as response:
                status = response.status
        except StoreUnavailable as error:
            return Capabilities(False, False, problem=error.detail)
        except FairmeshError as error:
            return Capabilities(True, False, problem=error.detail)
        if status >= 500 and status not in _NO_HEAD:
            return Capabilities(False, False, problem=f"{self.label} answers {status}.")
        return Capabilities(True, True)

    def ensure_ready(self) -> None:
        """Raise unless it answers, and unless its index, if it has one, can be used."""
        found = self.probe()
        if not found.reachable:
            raise StoreUnavailable(found.problem or self.label, store=self.label)
        if not found.ready:
            raise StoreRefused(found.problem or self.label, store=self.label)
        with contextlib.suppress(ObjectMissing):
            self._index()

    # -- objects

    def stat(self, key: str) -> ObjectInfo | None:
        with self._ask("HEAD", check_key(key)) as response:
            status, size = response.status, response.headers.get("content-length", "")
            if status == 200 and size.isdigit():
                return self._info(key, int(size), response)
        if status in _ABSENT:
            return None
        if status == 200 or status in _NO_HEAD:
            return self._stat_by_range(key)
        raise self._error(status, key)

    def _stat_by_range(self, key: str) -> ObjectInfo | None:
        try:
            with self._opened(key, 0, 1) as (response, reader):
                return self._info(key, reader.object_bytes, response)
        except ObjectMissing:
            return None

    def _info(self, key: str, size: int, response: http.client.HTTPResponse) -> ObjectInfo:
        return ObjectInfo(
            key=key,
            bytes=size,
            etag=response.headers.get("etag", "").removeprefix("W/").strip('"'),
            sha256=None,
            modified=http_time(response.headers.get("last-modified", "")),
        )

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """As the protocol, from the index. Raises StoreRefused when there is none."""
        try:
            sizes = self._index()
        except ObjectMissing:
            raise StoreRefused(
                f"{self.label} has no {INDEX}, so its objects cannot be listed. Have its owner put "
                "one there; the how-to on adding a store tells its form.",
                store=self.label,
            ) from None
        never = datetime.fromtimestamp(0, UTC)
        for key in sorted((key for key in sizes if key.startswith(prefix)), key=str.encode):
            yield ObjectInfo(key, sizes[key], "", None, never)

    def _index(self) -> dict[str, int]:
        """Return the size of every object that the index tells of."""
        try:
            files = json.loads(self.read(INDEX))["files"]
            sizes = {check_key(str(file["path"])): int(file["bytes"]) for file in files}
        except (ValueError, TypeError, KeyError) as error:
            raise self._bad_index(f"{type(error).__name__} {error}") from error
        except Invalid as error:
            raise self._bad_index(error.detail) from error
        if len(sizes) != len(files) or any(size < 0 for size in sizes.values()):
            raise self._bad_index("a path is there twice, or a size is below zero")
        return sizes

    def _bad_index(self, why: str) -> StoreRefused:
        form = '{"files": [{"path": "a.csv", "bytes": 1}]}'
        told = f"{self.label}/{INDEX} is not of the form {form}: {why}."
        return StoreRefused(told, store=self.label)

    @contextlib.contextmanager
    def open(
        self, key: str, offset: int = 0, length: int | None = None
    ) -> Iterator[_RangeReader | NothingLeft]:
        if length == 0:
            info = self.stat(key)
            if info is None:
                raise self._error(404, key)
            yield NothingLeft(info.bytes)
            return
        with self._opened(key, offset, length) as (_, reader):
            yield reader

    def read(self, key: str) -> bytes:
        with self.open(key) as reader:
            return read_all(reader, key)

    @contextlib.contextmanager
    def _opened(
        self, key: str, offset: int, length: int | None
    ) -> Iterator[tuple[http.client.HTTPResponse, _RangeReader | NothingLeft]]:
        last = "" if length is None else str(offset + length - 1)
        asked = {"range": f"bytes={offset}-{last}"} if offset or last else {}
        with self._ask("GET", check_key(key), asked) as response:
            if response.headers.get("content-encoding", "identity") != "identity":
                raise StoreRefused(
                    f"{self.label} sends {key!r} compressed, though it was asked not to.",
                    store=self.label,
                )
            yield response, self._reader(response, key, offset, length)

    def _reader(
        self, response: http.client.HTTPResponse, key: str, offset: int, length: int | None
    ) -> _RangeReader | NothingLeft:
        span, _, whole = response.headers.get("content-range", "").rpartition("/")
        size = response.headers.get("content-length", "")
        if response.status == 416 and whole.isdigit():
            return NothingLeft(int(whole))
        if response.status == 206 and whole.isdigit() and size.isdigit():
            if not span.startswith(f"bytes {offset}-"):
                raise StoreUnavailable(f"{self.label} sent another range of {key!r} than asked.")
            return _RangeReader(self._web, response, int(whole), int(size))
        if response.status != 200:
            raise self._error(response.status, key)
        if offset or not size.isdigit():
            what = "give ranges" if offset else "tell how long they are"
            raise StoreRefused(
                f"{self.label} does not {what} of its objects, as for {key!r}: files are read in "
                "parts. Serve them with a server that does.",
                store=self.label,
                key=key,
            )
        left = int(size) if length is None else min(length, int(size))
        return _RangeReader(self._web, response, int(size), left)

    def generations(self, prefix: str) -> Iterator[Generation]:
        for found in self.list(prefix):
            yield Generation(found.key, found.bytes, "", mark=False)

    def presign_get(self, key: str, seconds: int) -> str | None:
        """Return None: its own address would work for ever, whatever is decided later."""
        check_key(key)
        check_presign_seconds(seconds)
        return None

    # -- requests

    def _ask(
        self, method: str, key: str, headers: dict[str, str] | None = None
    ) -> contextlib.AbstractContextManager[http.client.HTTPResponse]:
        return self._web.request(method, quote(self._base + key), headers or {})

    def _error(self, status: int, key: str) -> FairmeshError:
        told = f"{self.label} answered {status} for {key!r}"
        if status in _ABSENT:
            return ObjectMissing(f"{told}: it is not there.", store=self.label, key=key)
        if status >= 500 or status in (408, 429):
            return StoreUnavailable(f"{told}.", store=self.label, key=key)
        if 300 <= status < 400:
            told += ", which leads elsewhere: register the store at its final address"
        return StoreRefused(f"{told}.", store=self.label, key=key)
