"""Carrying one transfer: the source is chosen, the bytes proved, the target checked and sealed.

See docs/explanation/algorithms/leases.md.
"""

from __future__ import annotations

import time
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
from movement.engine.mesh import Mesh
from movement.engine.progress import Progress
from movement.models import Replica, Store, Transfer, TransferState
from movement.objects import buffered
from movement.opening import label_of, open_store, told
from movement.services.claims import Claim, change_source
from movement.services.contact import Contact, contact_of, first_contact
from movement.services.copies import REPAIR_FILES, REPAIRS, begin_copy, note_broken
from movement.services.heartbeat import Heartbeat
from movement.services.links import measure_link
from movement.services.locking import lock_copy
from movement.services.pacing import Pacer
from movement.services.repair import broken_paths
from movement.services.sealing import write_manifest, write_seal
from movement.services.slots import SOURCE_UNAVAILABLE
from movement.services.speed import Speed
from movement.services.stores import problem_of
from movement.services.ways import Way

THREADS = 4
_BATCH_FILES = 4096
"""Files taken at a time: what a transfer holds in memory of its manifest."""
_READ_BYTES = 1024 * 1024
NEEDS_HOP = "needs_hop"
NO_ROUTE = "no_route"
_LINK_FAILED = frozenset({StoreUnavailable.code, SOURCE_UNAVAILABLE})


@dataclass(frozen=True)
class Outcome:
    """How a transfer, or one attempt at it, ended."""

    state: TransferState
    code: str = ""
    reason: str = ""
    policies: tuple[str, ...] = field(default=())
    not_before: datetime | None = None
    """When a next attempt may do better; None when that is not known."""
    hop: str = ""
    """The store to which the bytes go first; empty for a direct way."""


_LOST = Outcome(TransferState.WAITING, "lease_lost", "Another worker has taken it up.")


@dataclass(frozen=True)
class _Job:
    """What stays the same whatever the source."""

    transfer: Transfer
    home: Replica
    lease: Lease[Transfer]
    progress: Progress
    speed: Speed
    pacer: Pacer
    beat: Heartbeat
    anew: bool
    """Send every file, even when the target claims to hold it."""
    look: bool = False
    """Some files may be at the target already, from an earlier attempt: what it lists is not sent
    before it is looked at."""
    broken: frozenset[str] | None = None
    """Send these alone: a scrub has proved the others at the target."""

    @property
    def version(self) -> Version:
        return self.transfer.version

    @property
    def target(self) -> Store:
        return self.transfer.target


def carry(claim: Claim, may_go_on: Callable[[], bool]) -> Outcome:
    """Copy a version to a store and prove it; return how that ended, writing no end itself.

    `may_go_on` is asked all the while: once it says no, nothing more is sent. What is at the target
    already is kept, so a transfer that was cut goes on where it was. The first source whose bytes
    are wrong, or that does not answer, gives way to the next.
    """
    transfer, lease = claim.transfer, claim.lease
    version, target = transfer.version, transfer.target
    if (early := _not_now(version, target)) is not None:
        return early
    if not claim.ways:
        return _no_way(claim)
    if claim.ways[0].route.hop is not None:
        return _over(claim.ways[0], target)
    if not lease.write(state=TransferState.RUNNING, files_done=0, bytes_done=0):
        return _LOST
    home = begin_copy(transfer, lease)
    if home is None:
        return _LOST
    progress = Progress(version.bytes)
    speed = Speed(progress.now)
    pacer = Pacer(target)

    def go_on() -> bool:
        pacer.adjust()
        return may_go_on()

    with Heartbeat(lease, speed.now, go_on) as beat:
        replica = home.replica
        anew = replica.reason_code in REPAIRS
        broken = broken_paths(replica) if replica.reason_code == REPAIR_FILES else None
        look = not home.is_new and not anew
        job = _Job(transfer, replica, lease, progress, speed, pacer, beat, anew, look, broken)
        return _from_any(job, _from_the_claimed(claim))


def _not_now(version: Version, target: Store) -> Outcome | None:
    if version.state != VersionState.PUBLISHED:
        return Outcome(TransferState.FAILED, "gone", f"{version.name} is {version.state}.")
    if target.quarantined_at is not None:
        reason = f"{target.name} is in quarantine: nothing is placed there."
        return Outcome(TransferState.WAITING, "store_quarantined", reason)
    contact = contact_of(target.site, timezone.now())
    return None if contact.open else out_of_contact(contact)


def out_of_contact(contact: Contact) -> Outcome:
    """Return the end of an attempt for which a site was off-line or outside of its windows."""
    return Outcome(
        TransferState.WAITING, contact.reason_code, contact.reason, not_before=contact.next
    )


def _no_way(claim: Claim) -> Outcome:
    """Say why no replica can be copied from now."""
    version, mesh = claim.transfer.version, claim.mesh
    trusted = [each for each in claim.replicas if _is_trusted(mesh, each.store)]
    if not trusted:
        reason = f"No store that is trusted holds a complete replica of {version.name}."
        return Outcome(TransferState.WAITING, "no_source", reason)
    sites = {replica.store.site.name: replica.store.site for replica in trusted}
    contact = first_contact(sites.values(), timezone.now())
    if not contact.open:
        reason = f"Every complete replica of {version.name} is away: {', '.join(sorted(sites))}."
        return out_of_contact(replace(contact, reason=reason))
    reason = (
        f"No link is open to {claim.transfer.target.site.name} from {', '.join(sorted(sites))}, "
        "and no store at a third site may and can take the bytes on their way."
    )
    return Outcome(TransferState.WAITING, NO_ROUTE, reason)


def _is_trusted(mesh: Mesh, store: Store) -> bool:
    view = mesh.stores.get(store.name)
    return view is not None and view.trusted


def _over(way: Way, target: Store) -> Outcome:
    """Have the bytes go to the store on the way first; the transfer goes on once they are there."""
    hop = way.route.hop or ""
    reason = (
        f"No link is open to {target.site.name} from where {way.replica.version.name} lies; a copy "
        f"goes to {hop} first."
    )
    return Outcome(TransferState.WAITING, NEEDS_HOP, reason, hop=hop)


def _from_the_claimed(claim: Claim) -> list[Replica]:
    """Return the sources in their order, but first the one whose slot was taken."""
    sources = [way.replica for way in claim.ways]
    return sorted(sources, key=lambda replica: replica.store_id != claim.transfer.source_id)


def _from_any(job: _Job, sources: Sequence[Replica]) -> Outcome:
    """Try the sources in order; return the first end that another source could not better."""
    outcome = _LOST
    for source in sources:
        if not change_source(job.lease, job.transfer, source.store):
            continue  # its slots are taken; without the lease the others say no as well
        job.progress.restart()
        job.pacer.go_from(source.store)
        begun = time.monotonic()
        outcome, may_try_another = _from_one(job, source)
        _measure(job, source, outcome, time.monotonic() - begun)
        if not may_try_another:
            break
        job = replace(job, look=not job.anew)
    return outcome


def _measure(job: _Job, source: Replica, outcome: Outcome, seconds: float) -> None:
    """Let the attempt count for its link, unless it was cut for a reason of ours."""
    failed = outcome.code in _LINK_FAILED
    if failed or outcome.state == TransferState.DONE:
        measure_link(
            source.store.site,
            job.target.site,
            bytes=job.speed.take_sent(),
            seconds=seconds,
            failed=failed,
        )


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
    """Copy batch by batch; a batch is read from the manifest here, not in the copying threads.

    The manifest goes first: a site that is cut off in the middle knows what it is missing.
    """

    def on_file(outcome: CopyOutcome) -> None:
        job.progress.add_file(outcome)
        job.speed.add(outcome.bytes_sent)

    watch = Watch(on_file, job.progress.add_bytes, job.beat.lost, job.pacer.pace)
    from_store, to_store = open_store(source.store), open_store(job.target)
    if job.beat.lost():
        return
    write_manifest(job.version, to_store, job.home.base)
    wanted = _items(job, source)
    while items := list(islice(wanted, _BATCH_FILES)):
        copy_files(from_store, to_store, items, threads=THREADS, watch=watch)
        if job.beat.lost() or job.progress.failures:
            return


def _items(job: _Job, source: Replica) -> Iterator[CopyItem]:
    there = _listed(job) if job.look else ((e, False) for e in manifest_entries(job.version))
    for entry, look in there:
        keys = source.base + entry.path, job.home.base + entry.path
        item = CopyItem(*keys, entry, replace=job.anew, look=look)
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
    lock_copy(job.home)
    for store in (job.target, source.store):
        if not store.reachable:
            problem_of(store)  # it answered just now: let that be known
    return _LOST if job.beat.lost() else Outcome(TransferState.DONE)


def _first_missing(job: _Job) -> str | None:
    """Return the first file that the target does not list with its size.

    The digests were proved while the bytes passed.
    """
    for entry, is_there in _listed(job):
        if not is_there:
            return entry.path
        if job.beat.lost():
            return None
    return None


def _listed(job: _Job) -> Iterator[tuple[FileEntry, bool]]:
    """Yield each file and whether the target lists it with its size.

    One listing beside the manifest, both in the order of their UTF-8 bytes.
    """
    base = job.home.base
    listed = iter(open_store(job.target).list(base))
    found = next(listed, None)
    for entry in manifest_entries(job.version):
        wanted = (base + entry.path).encode()
        while found is not None and found.key.encode() < wanted:
            found = next(listed, None)
        known = None if found is None else (found.key.encode(), found.bytes)
        yield entry, known == (wanted, entry.bytes)


def _blame_store(
    job: _Job, source: Replica, error: StoreUnavailable | StoreRefused
) -> tuple[Outcome, bool]:
    """Say which of the two stores failed; a source that fails gives way to another."""
    opened = job.target.updated_at, source.store.updated_at
    target_problem, source_problem = problem_of(job.target), problem_of(source.store)
    if opened != (job.target.updated_at, source.store.updated_at):
        reason = "A store was given other keys or another address; the copy goes on with them."
        return Outcome(TransferState.WAITING, "store_changed", reason), False
    reason = told(job.target, told(source.store, error.detail))
    refused_by = error.extra.get("store")
    source_refuses = refused_by == label_of(source.store)
    target_refuses = refused_by == label_of(job.target) or refused_by is None
    if isinstance(error, StoreRefused) and target_refuses:
        return Outcome(TransferState.FAILED, error.code, reason), False
    if target_problem is not None:
        reason = f"{job.target.name} does not answer: {target_problem}"
    elif source_problem is not None:
        reason = f"{source.store.name} does not answer: {source_problem}"
    of_source = target_problem is None and (source_problem is not None or source_refuses)
    code = SOURCE_UNAVAILABLE if of_source else StoreUnavailable.code
    return Outcome(TransferState.WAITING, code, reason), target_problem is None


def outcome_of(error: FairmeshError) -> Outcome:
    """Return the end of an attempt that an error cut before any store was blamed."""
    waits = isinstance(error, StoreUnavailable)
    state = TransferState.WAITING if waits else TransferState.FAILED
    return Outcome(state, error.code, error.detail)
