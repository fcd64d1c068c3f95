"""Fetching a version: seal first, then the files from the nearest replica, each one verified."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from fairmesh.errors import FairmeshError, Unavailable, UsageError, VerificationFailed
from fairmesh.manifest import Entry, entries_of, shard_digests
from fairmesh.names import KEPT, encode_path
from fairmesh.rows import stand_in
from fairmesh.seal import Anchor, Sealed, verify_header
from fairmesh.transport import Api, Json, problem_error
from fairmesh.verify import (
    READ_BYTES,
    Expectation,
    Progress,
    Report,
    check_file,
    verify_directory,
)

PARALLEL = 4


@dataclass(frozen=True)
class Fetched:
    """A version, or a part of it, that lies verified in `directory`."""

    directory: Path
    report: Report
    bytes_moved: int
    """Bytes that came over the network; what was there already is not counted."""
    sources: Mapping[str, int] = field(default_factory=dict)
    """How many files each host served."""

    def as_json(self) -> dict[str, Any]:
        return {
            **self.report.as_json(),
            "bytes_moved": self.bytes_moved,
            "sources": dict(self.sources),
        }


@dataclass(frozen=True)
class Wanted:
    """What to fetch, for what, from where."""

    name: str
    """A product (its latest version), a version, or one file of it."""
    purpose: str | None = None
    site: str | None = None

    def resolve(self, api: Api, **more: Any) -> Json:
        """Return one page of the answer of resolve."""
        answer: Json = api.get(
            "resolve", name=self.name, purpose=self.purpose, site=self.site, **more
        )
        return answer

    def pages(self, api: Api, first: Json) -> Iterator[Json]:
        """Yield every page of the answer, beginning with the first."""
        page = first
        yield page
        while page.get("next_cursor"):
            page = self.resolve(api, cursor=page["next_cursor"])
            yield page

    def addresses(self, api: Api, first: Json) -> dict[str, list[str]]:
        """Return the addresses of every file, best first, by path."""
        return {
            row["path"]: [api.absolute(url) for url in row["urls"]]
            for page in self.pages(api, first)
            for row in page["results"]
        }


class Fetcher:
    """Brings the files of one version to `directory`, again and again until they are right."""

    def __init__(
        self, api: Api, wanted: Wanted, directory: Path, progress: Progress | None = None
    ) -> None:
        self.api = api
        self.wanted = wanted
        self.directory = directory
        self.progress = progress
        self.version = ""
        self.bytes_moved = 0
        self._lock = threading.Lock()
        self.sources: dict[str, int] = {}

    def fetch(self, anchor: Anchor) -> Fetched:
        """Fetch, then verify once more what is on disk; raise VerificationFailed if it is wrong.

        What lies there already and is right is kept. A cut download goes on where it ended. Raises
        Denied, `obligation_applies`, when only masked rows are to be had.
        """
        first = self.wanted.resolve(self.api)
        if first.get("how") == "stream":
            raise stand_in(first)
        _check_folder(self.directory)
        self.version = _version_part(first["name"])
        expected = Expectation(name=self.version, digest=first.get("digest"))
        sealed, entries = self._bring_seal(str(first["version_id"]), anchor, expected)
        addresses = self.wanted.addresses(self.api, first)
        partial = set(addresses) != {entry.path for entry in entries}
        missing = [e for e in entries if e.path in addresses and check_file(self.directory, e)]
        self._fetch_all(missing, addresses)
        report = verify_directory(
            self.directory,
            anchor,
            expected=Expectation(sealed.header["name"], sealed.digest),
            only=set(addresses) if partial else None,
        )
        return Fetched(self.directory, report.require(), self.bytes_moved, self.sources)

    def _bring_seal(
        self, version_id: str, anchor: Anchor, expected: Expectation
    ) -> tuple[Sealed, list[Entry]]:
        """Verify the seal and its manifest, and only then write them below `directory`."""
        seal = self.api.get(f"versions/{version_id}/seal")
        sealed = expected.check(verify_header(seal["envelope"], seal["delegations"], anchor))
        shards = {
            digest: self.api.send("GET", f"versions/{version_id}/manifest/{digest}").content
            for digest in shard_digests(sealed.header)
        }
        entries = entries_of(sealed.header, shards)
        kept = self.directory / KEPT
        (kept / "manifest").mkdir(parents=True, exist_ok=True)
        for digest, data in shards.items():
            _replace(kept / "manifest" / f"{digest.removeprefix('sha256:')}.parquet", data)
        _replace(kept / "delegations.json", json.dumps(seal["delegations"]).encode())
        _replace(kept / "seal.json", json.dumps(seal["envelope"]).encode())
        return sealed, entries

    def _fetch_all(self, entries: Sequence[Entry], addresses: Mapping[str, Sequence[str]]) -> None:
        with ThreadPoolExecutor(PARALLEL) as pool:
            results = [pool.submit(self._fetch_one, e, addresses[e.path]) for e in entries]
            try:
                for result in results:
                    host = result.result()
                    self.sources[host] = self.sources.get(host, 0) + 1
            finally:
                for result in results:
                    result.cancel()

    def _fetch_one(self, entry: Entry, urls: Sequence[str]) -> str:
        """Bring one file into place; return the host that served its end.

        A replica that fails gives way to the next, which goes on behind the bytes that came.
        """
        failures: list[FairmeshError] = []
        for url in self._urls(entry, urls):
            try:
                self._from(entry, url)
            except (Unavailable, VerificationFailed) as error:
                failures.append(error)
            except FairmeshError as error:
                failures.append(Unavailable(error.detail, error.problem))
            else:
                return httpx.URL(url).host
        if not failures:
            raise Unavailable(f"No replica that you may read holds {entry.path}.")
        raise next((e for e in failures if isinstance(e, VerificationFailed)), failures[-1])

    def _urls(self, entry: Entry, urls: Sequence[str]) -> Iterator[str]:
        """Yield the addresses given, then fresh ones: presigned addresses expire."""
        yield from urls
        if urls:
            name = f"{self.version}/{encode_path(entry.path)}"
            again = Wanted(name, self.wanted.purpose, self.wanted.site)
            fresh = again.addresses(self.api, again.resolve(self.api))
            yield from fresh.get(entry.path, [])

    def _from(self, entry: Entry, url: str) -> None:
        """Stream one file from `url`, hashing as it comes, and rename it into place."""
        target = self._target(entry)
        name = hashlib.sha256(entry.path.encode()).hexdigest()
        partial = self.directory / KEPT / "partial" / f"{name}-{entry.sha256[:16]}"
        partial.parent.mkdir(parents=True, exist_ok=True)
        sha256, have = _hashed_so_far(partial, entry.bytes)
        start = have
        if have < entry.bytes or not partial.exists():
            have, start, sha256 = self._stream(url, entry, partial, have, sha256)
        if have != entry.bytes or sha256.hexdigest() != entry.sha256:
            if have >= entry.bytes:
                partial.unlink()
                if start:  # another replica sent the beginning: it may be the one that was wrong
                    return self._from(entry, url)
                raise VerificationFailed(f"{entry.path} from {_shown(url)} is not what was sealed.")
            raise Unavailable(f"{_shown(url)} sent {have} of the {entry.bytes} bytes.")
        partial.replace(target)

    def _stream(
        self, url: str, entry: Entry, partial: Path, have: int, sha256: Any
    ) -> tuple[int, int, Any]:
        """Append to `partial` from byte `have` on; return (bytes, first byte sent, hash)."""
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        try:
            with self.api.stream(url, headers) as answer:
                if answer.status_code >= 300:
                    answer.read()
                    raise problem_error(answer)
                if have and answer.status_code != 206:
                    have, sha256 = 0, hashlib.sha256()
                start = have
                with partial.open("ab" if have else "wb") as file:
                    for piece in answer.iter_raw(READ_BYTES):
                        have += len(piece)
                        if have > entry.bytes:
                            break
                        sha256.update(piece)
                        file.write(piece)
                        self._count(len(piece))
                        if self.progress is not None:
                            self.progress(len(piece))
        except httpx.TransportError as error:
            raise Unavailable(
                f"{_shown(url)} broke off: {error or type(error).__name__}."
            ) from error
        return have, start, sha256

    def _count(self, moved: int) -> None:
        with self._lock:
            self.bytes_moved += moved

    def _target(self, entry: Entry) -> Path:
        """Return where the file goes; raise when a link would lead out of the folder."""
        target = self.directory / entry.path
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.parent.resolve().is_relative_to(self.directory.resolve()):
            raise FairmeshError(f"{target.parent} leads out of {self.directory}.")
        return target


def _check_folder(directory: Path) -> None:
    """Raise UsageError unless `directory` is new, empty or an earlier fetch."""
    if (directory / KEPT).is_dir() or not directory.exists():
        return
    if not directory.is_dir() or any(directory.iterdir()):
        raise UsageError(f"{directory} holds other things; fetch into an empty or new folder.")


def _hashed_so_far(partial: Path, limit: int) -> tuple[Any, int]:
    """Return the hash of what an earlier attempt left, and its bytes; nothing if it is too much."""
    sha256 = hashlib.sha256()
    if not partial.exists() or partial.stat().st_size > limit:
        partial.unlink(missing_ok=True)
        return sha256, 0
    with partial.open("rb") as file:
        while piece := file.read(READ_BYTES):
            sha256.update(piece)
    return sha256, partial.stat().st_size


def _version_part(name: str) -> str:
    """Return the version in a version's or a file's name."""
    head, marker, rest = name.partition("/v=")
    return head + marker + rest.split("/")[0]


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(path.name + ".new")
    temporary.write_bytes(data)
    temporary.replace(path)


def _shown(url: str) -> str:
    """Return an address without its query, which may be a signature."""
    return str(httpx.URL(url).copy_with(query=None))
