"""Scrubbing: a listing and a file compared with the manifest, and what is to be read next.

Pure but for the reading of one file. See docs/explanation/algorithms/scrub.md.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.digests import CHUNK_BYTES, Chunk, FileHasher
from core.errors import ObjectMissing
from core.manifest import FileEntry
from movement.engine.spans import Lane
from movement.stores.protocol import Store

_DAY_SECONDS = 86_400
_CHUNKS_NAMED = 8
RISKY = 0.25
"""A store in which something was found lately is read this much sooner."""
LONELY = 0.5
"""So is a copy that is the only one."""
SPREAD = 0.2
"""How much of its time a replica may be read early, so that not all of a day come due at once."""


class Fault(StrEnum):
    MISSING = "missing"
    TRUNCATED = "truncated"
    FLIPPED = "flipped"
    EXTRA = "extra"


@dataclass(frozen=True, slots=True)
class Finding:
    """One file that is not as its manifest says."""

    path: str
    fault: Fault
    detail: str
    entry: FileEntry | None = None
    """What it should be; None for an object that no manifest names."""


def compare(listed: Iterable[tuple[str, int]], entries: Iterable[FileEntry]) -> Iterator[Finding]:
    """Yield what a listing of (path, bytes) lacks, has of another size, and has beside.

    Both in the order of their UTF-8 bytes, each gone through once; memory: one of each.
    """
    there = iter(listed)
    found = next(there, None)
    for entry in entries:
        wanted = entry.path.encode()
        while found is not None and found[0].encode() < wanted:
            yield _extra(*found)
            found = next(there, None)
        if found is None or found[0] != entry.path:
            yield Finding(entry.path, Fault.MISSING, "The store does not list it.", entry)
            continue
        if found[1] != entry.bytes:
            yield _other_size(entry, found[1])
        found = next(there, None)
    while found is not None:
        yield _extra(*found)
        found = next(there, None)


def _extra(path: str, size: int) -> Finding:
    return Finding(path, Fault.EXTRA, f"No manifest names this object of {size} bytes.")


def _other_size(entry: FileEntry, size: int) -> Finding:
    detail = f"It has {size} bytes, the manifest says {entry.bytes}."
    return Finding(entry.path, Fault.TRUNCATED, detail, entry)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reading of a file gave."""

    bytes: int | None
    """None when it was not there."""
    sha256: str = ""
    """Empty when it has another size, and so was not read."""
    chunks: tuple[Chunk, ...] = ()


def read_file(store: Store, key: str, entry: FileEntry, lane: Lane, hashed: bool = True) -> Reading:
    """Read one object and hash it. Raises StoreUnavailable, StoreRefused, CopyStopped.

    It keeps to the lane's pace. Without `hashed` the object is only opened: that tells whether it
    is there and how long.
    """
    try:
        with store.open(key) as reader:
            if not hashed or reader.object_bytes != entry.bytes:
                return Reading(reader.object_bytes)
            hasher, left = FileHasher(), entry.bytes
            while left and (count := reader.readinto(piece := lane.piece(left))):
                hasher.update(piece[:count])
                left -= count
    except ObjectMissing:
        return Reading(None)
    return Reading(hasher.bytes, *hasher.finish())


def judge(entry: FileEntry, reading: Reading) -> Finding | None:
    """Return what is wrong with a file by a reading of it; None when nothing is."""
    if reading.bytes is None:
        return Finding(entry.path, Fault.MISSING, "The store does not hold it.", entry)
    if reading.bytes != entry.bytes:
        return _other_size(entry, reading.bytes)
    if not reading.sha256 or reading.sha256 == entry.sha256:
        return None
    bad = [
        index
        for index, (read, wanted) in enumerate(zip(reading.chunks, entry.chunks, strict=False))
        if read != wanted
    ]
    return Finding(entry.path, Fault.FLIPPED, _flipped(entry, bad), entry)


def _flipped(entry: FileEntry, bad: Sequence[int]) -> str:
    if not bad:
        return "Its bytes do not hash to what the manifest says."
    ranges = [
        f"{index * CHUNK_BYTES}-{min((index + 1) * CHUNK_BYTES, entry.bytes) - 1}"
        for index in bad[:_CHUNKS_NAMED]
    ]
    more = f" and {len(bad) - len(ranges)} more" if len(bad) > len(ranges) else ""
    return f"{len(bad)} of {len(entry.chunks)} chunks are wrong: bytes {', '.join(ranges)}{more}."


def read_differently(first: Reading, second: Reading) -> bool:
    """Say whether a store gave other bytes for one object at the second time."""
    return bool(first.sha256 and second.sha256) and first.sha256 != second.sha256


@dataclass(frozen=True, slots=True)
class Candidate:
    """A replica that may be read, by what speaks for reading it now."""

    replica: str
    store: str
    age_days: float | None
    """Since all of it was last proved; None when it never was."""
    copies: int = 1
    """Of its version, that count."""
    risky: bool = False
    """Something was found in its store lately."""


def urgency(candidate: Candidate, days: int) -> float:
    """Return how far a replica is on its way to its next reading; 1 or more when it is due."""
    if candidate.age_days is None:
        return math.inf
    allowed = days * (RISKY if candidate.risky else 1) * (LONELY if candidate.copies < 2 else 1)
    early = 1 - SPREAD * (hash_share(candidate.replica))
    return candidate.age_days / (allowed * early)


def hash_share(replica: str) -> float:
    """Return a number from 0 to 1 that is always the same for a replica."""
    return int(replica.replace("-", "")[-6:], 16) / 0xFFFFFF


def choose(
    candidates: Iterable[Candidate], days: int, slots: int, busy: Container[str] = ()
) -> list[Candidate]:
    """Return the replicas to read now: those due, the most urgent first, one a store.

    Never proved comes first, then what is most overdue; of equals the one with fewer copies.
    Stores in `busy` are read already.
    """
    due = [each for each in candidates if urgency(each, days) >= 1 and each.store not in busy]
    due.sort(key=lambda each: (-urgency(each, days), each.copies, not each.risky, each.replica))
    chosen: dict[str, Candidate] = {}
    for each in due:
        if len(chosen) >= slots:
            break
        chosen.setdefault(each.store, each)
    return list(chosen.values())


def readers_needed(total_bytes: int, days: int, bytes_per_second: int) -> int:
    """Return how many must read at a time so that every byte is read within `days`; at least 1."""
    if not bytes_per_second:
        return 1
    return max(1, math.ceil(total_bytes / (days * _DAY_SECONDS * bytes_per_second)))


def is_lying(scrubbed: int, broken: int, percent: int, least: int = 3) -> bool:
    """Say whether a store is to be trusted no more, by its replicas that were scrubbed lately."""
    return broken >= least and broken * 100 > scrubbed * percent
