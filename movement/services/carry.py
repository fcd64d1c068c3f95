"""Carrying one transfer: the source is chosen, the bytes proved, the target checked and sealed.

See docs/explanation/algorithms/leases.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from django.utils import timezone

from catalog.models import Version, VersionState
from catalog.selectors import manifest_entries
from core.digests import hash_stream
from core.errors import (
    FairmeshError,
    IntegrityBroken,
    ObjectMissing,
    StoreRefused,
    StoreUnavailable,
)
from core.lease import Lease
from core.manifest import FileEntry
from movement.engine.copy import CopyItem, CopyOutcome, CopyState, Watch, copy_files
from movement.engine.progress import Progress
from movement.models import Replica, Store, Transfer, TransferState
from movement.objects import buffered
from movement.opening import open_store, told
from movement.selectors import sources_of
from movement.services.contact import Contact, contact_of, first_contact
from movement.services.copies import REPAIR_FILES, REPAIRS, begin_copy, note_broken
from movement.services.heartbeat import Heartbeat
from movement.services.repair import broken_paths
from movement.services.sealing import write_seal
from movement.services.stores import problem_of

THREADS = 4
_BATCH_FILES = 4096
"""Files taken at a time: what a transfer holds in memory of its manifest."""
_READ_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Outcome:
    """How a transfer, or one attempt at it, ended."""

    state: TransferState
    code: str = ""
    reason: str = ""
    policies: tuple[str, ...] = field(default=())
    not_before: datetime | None = None
    """When a next attempt may do better; None when that is not known."""


_LOST = Outcome(TransferState.WAITING, "lease_lost", "Another worker has taken it up.")


@dataclass(frozen=True)
class _Job:
    """What stays the same whatever the source."""

    version: Version
    home: Replica
    target: Store
    lease: Lease[Transfer]
    progress: Progress
    beat: Heartbeat
    anew: bool
    """Send every file, even when the target claims to hold it."""
    broken: frozenset[str] | None = None
    """Send these alone: a scrub has proved the others at the target."""


def carry(transfer: Transfer, lease: Lease[Transfer], may_go_on: Callable[[], bool]) -> Outcome:
    """Copy a version to a store and prove it; return how that ended, writing no end itself.

    `may_go_on` is asked all the while: once it says no, nothing more is sent. What is at the target
    already is kept, so a transfer that was cut goes on where it was. The first source whose bytes
    are wrong, or that does not answer, gives way to the next.
    """
    version, target = transfer.version, transfer.target
    if (early := _not_now(version, target)) is not None:
        return early
    sources = sources_of(version, target)
    now = timezone.now()
    ready = [replica for replica in sources if contact_of(replica.store.site, now).open]
    if not ready:
        return _no_source(version, sources, now)
    if not lease.write(state=TransferState.RUNNING, files_done=0, bytes_done=0):
        return _LOST
    home = begin_copy(transfer, lease)
    if home is None:
        return _LOST
    progress = Progress(version.bytes)
    with Heartbeat(lease, progress.now, may_go_on) as beat:
        anew = home.reason_code in REPAIRS
        broken = broken_paths(home) if home.reason_code == REPAIR_FILES else None
        job = _Job(version, home, target, lease, progress, beat, anew, broken)
        return _from_any(job, ready)


def _not_now(version: Version, target: Store) -> Outcome | None:
    if version.state != VersionState.PUBLISHED:
        return Outcome(TransferState.FAILED, "gone", f"{version.name} is {version.state}.")
    contact = contact_of(target.site, timezone.now())
    return None if contact.open else out_of_contact(contact)


def out_of_contact(contact: Contact) -> Outcome:
    """Return the end of an attempt for which a site was off-line or outside of its windows."""
    return Outcome(
        TransferState.WAITING, contact.reason_code, contact.reason, not_before=contact.next
    )


def _no_source(version: Version, sources: Sequence[Replica], now: datetime) -> Outcome:
    if sources:
        away = {replica.store.site.name: replica.store.site for replica in sources}
        contact = first_contact(away.values(), now)
        reason = f"Every complete replica of {version.name} is away: {', '.join(sorted(away))}."
        return out_of_contact(replace(contact, reason=reason))
    reason = f"No store holds a complete replica of {version.name}."
    return Outcome(TransferState.WAITING, "no_source", reason)


def _from_any(job: _Job, sources: Sequence[Replica]) -> Outcome:
    """Try the sources in order; return the first end that another source could not better."""
    outcome = _LOST
    for source in sources:
        if not job.lease.write(source=source.store):
            return _LOST
        job.progress.restart()
        outcome, may_try_another = _from_one(job, source)
        if not may_try_another:
            break
    return outcome


def _from_one(job: _Job, source: Replica) -> tuple[Outcome, bool]:
    """Copy from one source; say how it ended and whether another source may do better."""
    try:
        _copy(job, source)
        if job.beat.lost():
            return _LOST, False
        if job.progress.failures:
            return _judge_failures(job, source)
        return _finish(job, source), False
    except (StoreUnavailable, StoreRefused) as error:
        return _blame_store(job, source, error)


def _copy(job: _Job, source: Replica) -> None:
    """Copy batch by batch; a batch is read from the manifest here, not in the copying threads."""
    entries = manifest_entries(job.version)
    watch = Watch(job.progress.add_file, job.progress.add_bytes, job.beat.lost)
    from_store, to_store = open_store(source.store), open_store(job.target)
    wanted = _items(job, source, entries)
    while items := list(islice(wanted, _BATCH_FILES)):
        copy_files(from_store, to_store, items, threads=THREADS, watch=watch)
        if job.beat.lost() or job.progress.failures:
            return


def _items(job: _Job, source: Replica, entries: Iterator[FileEntry]) -> Iterator[CopyItem]:
    for entry in entries:
        item = CopyItem(
            source.base + entry.path, job.home.base + entry.path, entry, replace=job.anew
        )
        if job.broken is None or entry.path in job.broken:
            yield item
        else:
            job.progress.add_file(CopyOutcome(item, CopyState.PRESENT))


def _judge_failures(job: _Job, source: Replica) -> tuple[Outcome, bool]:
    """Find out whether the source is to blame; if so, it is taken out of service."""
    item, error = job.progress.failures[0]
    reason = told(job.target, told(source.store, error.detail))
    if isinstance(error, IntegrityBroken | ObjectMissing):
        if _is_broken(source, item):
            note_broken(source, error, reason)
            return Outcome(TransferState.WAITING, "no_source", reason), True
        return Outcome(TransferState.WAITING, error.code, reason), True
    return Outcome(TransferState.FAILED, error.code, reason), False


def _is_broken(source: Replica, item: CopyItem) -> bool:
    """Read the file once more, whole: a replica is not condemned for what happened on the way."""
    store = open_store(source.store)
    try:
        with buffered(store, item.source_key, item.entry.bytes + 1) as file:
            size, sha256, _ = hash_stream(iter(lambda: file.read(_READ_BYTES), b""))
    except ObjectMissing:
        return True
    return (size, sha256) != (item.entry.bytes, item.entry.sha256)


def _finish(job: _Job, source: Replica) -> Outcome:
    """See that everything lies at the target, and write the seal beside it."""
    if not job.lease.write(state=TransferState.VERIFYING, **job.progress.now()):
        return _LOST
    missing = _first_missing(job)
    if missing is not None:
        reason = f"{missing!r} is not whole at {job.target.name} after it was copied."
        return Outcome(TransferState.WAITING, "integrity_broken", reason)
    write_seal(job.version, open_store(job.target), job.home.base)
    for store in (job.target, source.store):
        if not store.reachable:
            problem_of(store)  # it answered just now: let that be known
    return _LOST if job.beat.lost() else Outcome(TransferState.DONE)


def _first_missing(job: _Job) -> str | None:
    """Return the first file that the target does not list with its size.

    One listing beside the manifest, both in the order of their UTF-8 bytes; the digests were
    proved while the bytes passed.
    """
    base = job.home.base
    listed = iter(open_store(job.target).list(base))
    for entry in manifest_entries(job.version):
        wanted = (base + entry.path).encode()
        found = next((info for info in listed if info.key.encode() >= wanted), None)
        if found is None or found.key.encode() != wanted or found.bytes != entry.bytes:
            return entry.path
        if job.beat.lost():
            return None
    return None


def _blame_store(
    job: _Job, source: Replica, error: StoreUnavailable | StoreRefused
) -> tuple[Outcome, bool]:
    """Say which of the two stores failed; a source that fails gives way to another."""
    target_problem, source_problem = problem_of(job.target), problem_of(source.store)
    reason = told(job.target, told(source.store, error.detail))
    refused_by = error.extra.get("store")
    target_refuses = refused_by == open_store(job.target).label or refused_by is None
    if isinstance(error, StoreRefused) and target_refuses:
        return Outcome(TransferState.FAILED, error.code, reason), False
    if target_problem is not None:
        reason = f"{job.target.name} does not answer: {target_problem}"
    elif source_problem is not None:
        reason = f"{source.store.name} does not answer: {source_problem}"
    outcome = Outcome(TransferState.WAITING, StoreUnavailable.code, reason)
    return outcome, target_problem is None


def outcome_of(error: FairmeshError) -> Outcome:
    """Return the end of an attempt that an error cut before any store was blamed."""
    waits = isinstance(error, StoreUnavailable)
    state = TransferState.WAITING if waits else TransferState.FAILED
    return Outcome(state, error.code, error.detail)
