"""Shards that an earlier run into the same product did already: found, and copied in the store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from catalog.models import Product, VersionState
from core.digests import Digest
from core.errors import DigestMismatch, Invalid, ObjectMissing, StoreRefused
from core.manifest import FileEntry
from movement.models import Replica, ReplicaState, Store
from movement.opening import open_store
from movement.stores.protocol import ObjectFacts
from movement.stores.protocol import Store as ObjectStore
from transforms.engine.plan import Plan
from transforms.engine.result import ShardResult, result_from_json
from transforms.engine.reuse import is_incremental, taken_over
from transforms.models import Run, RunShard, RunState, ShardState
from transforms.places import Check
from transforms.services.ending import kept_of

_DIGESTS_AT_ONCE = 500
_MUST_BE_DONE = (ObjectMissing, StoreRefused, DigestMismatch, Invalid)
"""What stands in the way of a copy, but not of doing the work."""


def reuse_shard(run: Run, planned: Plan, index: int, check: Check) -> ShardResult | None:
    """Copy what an equal shard of an earlier run gave, and return it; None when it must be done.

    The store copies within itself and vouches for the bytes by the sha256 that it recorded. May be
    killed and done again at any time: doing the shard instead writes the same bytes.
    """
    if not is_incremental(planned):
        return None
    began = time.perf_counter()
    earlier = (
        _done_before(run, [planned.shards[index].digest])
        .select_related("run")
        .order_by("-run_id")
        .first()
    )
    if earlier is None or earlier.result is None:
        return None
    was = result_from_json(earlier.result)
    found = taken_over(planned, was, index)
    if found is None or (was.quarantine is not None and not _same_paths(earlier, planned, index)):
        return None
    store = open_store(Store.objects.get(name=run.home))
    try:
        for old_key, new_key, entry in _copies(earlier.run, run, was, found):
            check()
            if not _copied(store, old_key, new_key, entry):
                return None
    except _MUST_BE_DONE:
        return None
    return replace(found, seconds={"reuse": time.perf_counter() - began})


def bytes_to_do(run: Run, planned: Plan) -> int:
    """Return the input of the shards that no earlier run did, as far as is known beforehand."""
    if not is_incremental(planned):
        return sum(shard.bytes for shard in (*planned.shards, *planned.beside))
    digests = [shard.digest for shard in planned.shards]
    done = _among(digests, lambda some: _done_before(run, some))
    return sum(shard.bytes for shard in planned.shards if shard.digest not in done)


def done_into(product: Product, digests: Sequence[Digest]) -> set[str]:
    """Return those of the digests that a run into `product` did, wherever the result lies."""
    return _among(digests, lambda some: _done(product.pk, some))


def _among(
    digests: Sequence[Digest], asked: Callable[[Sequence[Digest]], QuerySet[RunShard]]
) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(digests), _DIGESTS_AT_ONCE):
        rows = asked(digests[start : start + _DIGESTS_AT_ONCE])
        found.update(rows.values_list("digest", flat=True))
    return found


def _done(target_id: UUID, digests: Sequence[Digest]) -> QuerySet[RunShard]:
    """Return equal shards of runs into a product whose results are still published."""
    return RunShard.objects.filter(
        digest__in=digests,
        state=ShardState.DONE,
        run__state=RunState.DONE,
        run__target=target_id,
        run__output_version__state=VersionState.PUBLISHED,
    )


def _done_before(run: Run, digests: Sequence[Digest]) -> QuerySet[RunShard]:
    """Return equal shards of other runs whose results still lie, whole, in this run's store."""
    lies_there = Replica.objects.filter(
        version=OuterRef("run__output_version"),
        store__name=OuterRef("run__home"),
        base=OuterRef("run__base"),
        state=ReplicaState.COMPLETE,
        store__quarantined_at__isnull=True,
    )
    done = _done(run.target_id, digests).filter(Exists(lies_there), run__home=run.home)
    return done.exclude(run=run.pk)


def _same_paths(earlier: RunShard, planned: Plan, index: int) -> bool:
    """Say whether both shards read files of the same names: a quarantine tells them."""
    pieces = f"plan__shards__{earlier.index}__pieces"
    (was,) = Run.objects.filter(pk=earlier.run_id).values_list(pieces, flat=True)
    return [each["path"] for each in was] == [each.path for each in planned.shards[index].pieces]


def _copies(
    earlier: Run, run: Run, was: ShardResult, found: ShardResult
) -> Iterator[tuple[str, str, FileEntry]]:
    """Yield the key of each file of a shard, the key of its copy, and what it holds."""
    for old, new in zip(was.outputs, found.outputs, strict=True):
        yield earlier.base + old.path, run.base + new.path, new
    if was.quarantine is not None and found.quarantine is not None:
        new = found.quarantine
        yield kept_of(earlier) + was.quarantine.path, kept_of(run) + new.path, new


def _copied(store: ObjectStore, old_key: str, new_key: str, entry: FileEntry) -> bool:
    """Make the copy unless it is there; False when the source is not what it was."""
    wanted = (entry.bytes, entry.sha256)
    there, source = store.stat(new_key), store.stat(old_key)
    if there is not None and (there.bytes, there.sha256) == wanted:
        return True
    if source is None or (source.bytes, source.sha256) != wanted:
        return False
    store.copy_within(old_key, new_key, ObjectFacts(entry.sha256, entry.media_type))
    return True
