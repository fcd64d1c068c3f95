"""Publishing from this machine: what is sent, and how a cut upload is taken up again."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from fairmesh.errors import Conflict, NotFound, UsageError
from fairmesh.names import KEPT, encode_path
from fairmesh.transport import Api, Json, checked, retried
from fairmesh.verify import READ_BYTES, Progress, hash_file

PARALLEL = 4


@dataclass(frozen=True)
class LocalFile:
    """A file here and where it will lie below the version."""

    path: str
    source: Path
    bytes: int
    sha256: str

    @property
    def content_digest(self) -> str:
        """The `Content-Digest` field. Source: RFC 9530."""
        return f"sha-256=:{base64.b64encode(bytes.fromhex(self.sha256)).decode()}:"


def collect(paths: Iterable[str | Path] | Mapping[str, str | Path]) -> list[LocalFile]:
    """Return the files to publish, hashed, in path order.

    A folder gives all files below it, by their paths relative to it; a file gives its own name;
    a mapping says each path itself. Raises UsageError when nothing or the same path twice is found.
    """
    found: dict[str, Path] = {}
    for path, source in _listed(paths):
        if path in found:
            raise UsageError(f"Two files would lie at {path!r}: {found[path]} and {source}.")
        found[path] = source
    if not found:
        raise UsageError("There is no file to publish.")
    return [_measured(path, source) for path, source in sorted(found.items())]


def _measured(path: str, source: Path) -> LocalFile:
    return LocalFile(path, source, source.stat().st_size, hash_file(source))


def _listed(
    paths: Iterable[str | Path] | Mapping[str, str | Path],
) -> Iterator[tuple[str, Path]]:
    if isinstance(paths, Mapping):
        yield from ((path, Path(source)) for path, source in paths.items())
        return
    for given in map(Path, paths):
        if given.is_dir():
            for folder, subfolders, files in os.walk(given):
                subfolders[:] = sorted(name for name in subfolders if name != KEPT)
                for name in sorted(files):
                    source = Path(folder) / name
                    yield source.relative_to(given).as_posix(), source
        elif given.is_file():
            yield given.name, given
        else:
            raise UsageError(f"There is no file or folder {given}.")


@dataclass
class Journal:
    """Which files of a draft have arrived, kept until the draft is published.

    One line a file. It lets the same command go on after a cut, with the files that are missing.
    """

    path: Path
    version_id: str = ""
    arrived: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path, url: str, product: str) -> Journal:
        """Return the journal of a product on a mesh, with what an earlier attempt left in it."""
        key = hashlib.sha256(f"{url} {product}".encode()).hexdigest()
        journal = cls(folder / f"{key}.jsonl")
        if journal.path.exists():
            for line in journal.path.read_text().splitlines():
                journal._take(line)
        return journal

    def _take(self, line: str) -> None:
        try:
            row = json.loads(line)
        except ValueError:
            return  # the line that was being written when the power went
        if "version" in row:
            self.version_id, self.arrived = str(row["version"]), {}
        else:
            self.arrived[row["path"]] = row["sha256"]

    def fits(self, files: Sequence[LocalFile]) -> bool:
        """True when the draft holds nothing beyond `files`, so that it can become them."""
        return bool(self.version_id) and set(self.arrived) <= {file.path for file in files}

    def holds(self, files: Sequence[LocalFile]) -> bool:
        """True when every file has arrived with the bytes it has here, and no other."""
        return self.arrived == {file.path: file.sha256 for file in files}

    def open(self, version_id: str) -> None:
        self.version_id, self.arrived = version_id, {}
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.write_text(json.dumps({"version": version_id}) + "\n")

    def note(self, file: LocalFile) -> None:
        self.arrived[file.path] = file.sha256
        with self.path.open("a") as lines:
            lines.write(json.dumps({"path": file.path, "sha256": file.sha256}) + "\n")

    def close(self) -> None:
        self.path.unlink(missing_ok=True)


def open_draft(api: Api, product: str, files: Sequence[LocalFile], journal: Journal) -> str:
    """Return the id of a draft for `files`: the one begun earlier if it can be gone on with.

    When the earlier attempt published just these files and only its answer was lost, that version
    is returned: publishing it again changes nothing.
    """
    if journal.fits(files):
        with suppress(NotFound):  # the draft was given up meanwhile
            state = api.get(f"versions/{journal.version_id}")["state"]
            if state == "draft" or (state == "published" and journal.holds(files)):
                return journal.version_id
    version_id = str(api.post("versions", {"product": product})["id"])
    journal.open(version_id)
    return version_id


def send_files(
    api: Api,
    version_id: str,
    files: Sequence[LocalFile],
    journal: Journal,
    *,
    store: str | None = None,
    progress: Progress | None = None,
) -> None:
    """Upload what has not arrived yet, four files at a time; raise the first failure."""
    missing = [file for file in files if journal.arrived.get(file.path) != file.sha256]
    headers = {"X-Fairmesh-Store": store} if store else {}

    failures: list[BaseException] = []
    with ThreadPoolExecutor(PARALLEL) as pool:
        sent = {
            pool.submit(_send_file, api, version_id, file, headers, progress): file
            for file in missing
        }
        for result in as_completed(sent):
            if result.cancelled():
                continue
            if (failure := result.exception()) is None:
                journal.note(sent[result])
                continue
            failures.append(failure)
            for waiting in sent:
                waiting.cancel()
    if failures:
        raise failures[0]


def _send_file(
    api: Api,
    version_id: str,
    file: LocalFile,
    headers: Mapping[str, str],
    progress: Progress | None,
) -> Json:
    url = api.address(f"versions/{version_id}/files/{encode_path(file.path)}")
    own = {
        "Content-Length": str(file.bytes),
        "Content-Digest": file.content_digest,
        **headers,
    }

    def once() -> httpx.Response:
        return checked(api.send_stream("PUT", url, _pieces(file, progress), own))

    answer: Json = retried(once).json()
    if answer.get("sha256") not in {file.sha256, f"sha256:{file.sha256}"}:
        raise Conflict(f"{file.source} changed while it was sent; publish again.", answer)
    return answer


def _pieces(file: LocalFile, progress: Progress | None) -> Iterator[bytes]:
    with file.source.open("rb") as source:
        while piece := source.read(READ_BYTES):
            yield piece
            if progress is not None:
                progress(len(piece))
