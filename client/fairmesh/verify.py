"""Verifies a fetched version on disk, off-line, with nothing but the trust anchor.

The layout of the folder and the steps are those of docs/reference/seal.md.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fairmesh.errors import UsageError, VerificationFailed
from fairmesh.manifest import Entry, entries_of, shard_digests
from fairmesh.names import KEPT
from fairmesh.seal import Anchor, Sealed, verify_header

READ_BYTES = 1024 * 1024

Progress = Callable[[int], None]
"""Called with the number of bytes that were done since the last call."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as sealed."""

    path: str
    reason: str
    """seal, manifest, missing, extra, truncated, longer, altered or not-a-file."""
    detail: str


@dataclass(frozen=True)
class Report:
    """What a verification found; the version is good when there is no problem."""

    directory: str
    name: str | None = None
    digest: str | None = None
    publisher: str | None = None
    published: str | None = None
    files: int = 0
    bytes: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        return {"ok": self.ok, **asdict(self)}

    def require(self) -> Report:
        """Return the report when all is well; raise VerificationFailed with it otherwise."""
        if self.problems:
            first = self.problems[0]
            more = f" ({len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
            raise VerificationFailed(f"{first.path}: {first.detail}{more}", self.as_json())
        return self


@dataclass(frozen=True)
class Expectation:
    """What the caller asked for. A good seal of another version is not what was asked for."""

    name: str | None = None
    digest: str | None = None

    def check(self, sealed: Sealed) -> Sealed:
        """Return `sealed` when it is the one expected; raise VerificationFailed otherwise."""
        name = sealed.header["name"]
        if self.name is not None and name != self.name:
            raise VerificationFailed(f"The seal is of {name}, not of {self.name}.")
        if self.digest is not None and sealed.digest != self.digest:
            raise VerificationFailed(
                f"The sealed header of {name} is {sealed.digest}, not {self.digest}."
            )
        return sealed


def verify_directory(
    directory: Path,
    anchor: Anchor,
    *,
    expected: Expectation | None = None,
    only: Collection[str] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Return everything that is wrong with the version in `directory`.

    Reads every byte once. `only` limits the check to some paths of the manifest, for a part of a
    version; then nothing counts as missing or extra beyond them. Raises UsageError when the
    folder holds no seal.
    """
    if not (directory / KEPT / "seal.json").is_file():
        raise UsageError(f"{directory} holds no {KEPT}/seal.json; it is not a fetched version.")
    try:
        sealed = (expected or Expectation()).check(read_seal(directory, anchor))
    except VerificationFailed as error:
        problem = Problem(f"{KEPT}/seal.json", "seal", error.detail)
        return Report(str(directory), problems=[problem])
    header = sealed.header
    try:
        entries = entries_of(header, _read_shards(directory, shard_digests(header)))
    except VerificationFailed as error:
        problem = Problem(f"{KEPT}/manifest", "manifest", error.detail)
        return Report(str(directory), header["name"], sealed.digest, problems=[problem])
    wanted = [entry for entry in entries if only is None or entry.path in only]
    problems = [p for entry in wanted if (p := check_file(directory, entry, progress))]
    if only is None:
        problems += _extra(directory, {entry.path for entry in entries})
    return Report(
        directory=str(directory),
        name=header["name"],
        digest=sealed.digest,
        publisher=header.get("publisher"),
        published=header.get("published"),
        files=len(wanted),
        bytes=sum(entry.bytes for entry in wanted),
        problems=problems,
    )


def read_seal(directory: Path, anchor: Anchor) -> Sealed:
    """Return the sealed header in `directory`; raise VerificationFailed when it does not hold."""
    try:
        envelope = json.loads((directory / KEPT / "seal.json").read_bytes())
        delegations = json.loads((directory / KEPT / "delegations.json").read_bytes())
    except (OSError, ValueError) as error:
        raise VerificationFailed(f"The seal cannot be read: {error}.") from error
    if not isinstance(envelope, dict) or not isinstance(delegations, list):
        raise VerificationFailed("The seal or its delegations are not in the documented form.")
    return verify_header(envelope, delegations, anchor)


def _read_shards(directory: Path, digests: Collection[str]) -> dict[str, bytes]:
    found = {}
    for digest in digests:
        path = directory / KEPT / "manifest" / f"{digest.removeprefix('sha256:')}.parquet"
        if path.is_file():
            found[digest] = path.read_bytes()
    return found


def check_file(directory: Path, entry: Entry, progress: Progress | None = None) -> Problem | None:
    """Return what is wrong with one file, or None. Symbolic links are not followed."""
    path = directory / entry.path
    try:
        state = path.lstat()
    except OSError:
        return Problem(entry.path, "missing", "The file is missing.")
    if not stat.S_ISREG(state.st_mode) or _through_link(directory, entry.path):
        return Problem(entry.path, "not-a-file", "It is not a file of its own but a link or other.")
    if state.st_size != entry.bytes:
        reason = "truncated" if state.st_size < entry.bytes else "longer"
        detail = f"It has {state.st_size} bytes, the seal says {entry.bytes}."
        return Problem(entry.path, reason, detail)
    found = hash_file(path, progress)
    if found != entry.sha256:
        return Problem(entry.path, "altered", f"Its sha256 is {found}, not {entry.sha256}.")
    return None


def hash_file(path: Path, progress: Progress | None = None) -> str:
    """Return the sha256 of a file in hexadecimal; constant memory."""
    sha256 = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(READ_BYTES):
            sha256.update(piece)
            if progress is not None:
                progress(len(piece))
    return sha256.hexdigest()


def _through_link(directory: Path, path: str) -> bool:
    parts = path.split("/")[:-1]
    return any((directory / "/".join(parts[: n + 1])).is_symlink() for n in range(len(parts)))


def _extra(directory: Path, known: Collection[str]) -> list[Problem]:
    """Return the files below `directory` that the manifest does not name, in path order."""
    found = []
    for folder, subfolders, files in os.walk(directory):
        base = Path(folder).relative_to(directory)
        if base == Path():
            subfolders[:] = [name for name in subfolders if name != KEPT]
        links = [name for name in subfolders if (Path(folder) / name).is_symlink()]
        for name in [*files, *links]:
            path = (base / name).as_posix()
            if path not in known:
                found.append(Problem(path, "extra", "The sealed manifest does not name it."))
    return sorted(found, key=lambda problem: problem.path)
