"""From an input version to the bytes of its files, wherever a good replica lies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial

from catalog.models import Version
from catalog.selectors import manifest_entries, manifest_entry
from core.errors import StoreUnavailable
from core.manifest import FileEntry
from movement.engine.placement import SITE_ORDER
from movement.models import Replica, ReplicaState, SiteState
from movement.opening import open_store
from transforms.engine.plan import InputFile
from transforms.engine.sources import OpenInput
from transforms.places import Check, Holder, StoredFile, unchecked

_READABLE_SITES = (SiteState.ONLINE, SiteState.DRAINING)


def input_files(version: Version) -> list[InputFile]:
    """Return the files of a version as the planner wants them."""
    return [
        InputFile(each.path, each.bytes, each.sha256, each.media_type, each.rows)
        for each in manifest_entries(version)
    ]


def opener(
    version: Version,
    paths: Iterable[str] | None = None,
    *,
    near: str = "",
    proved: bool = False,
    check: Check = unchecked,
) -> OpenInput:
    """Return what opens the files of `version`; with `paths`, of those alone.

    The nearest replica is read first: that of the store `near`, then core before edge. Raises
    StoreUnavailable when no complete replica can be reached now.
    """
    replicas = _nearest_first(version, near)
    stores = [(open_store(each.store), each.base) for each in replicas]
    entries = None if paths is None else dict(_entries(version, sorted(set(paths))))

    def open_input(path: str) -> StoredFile:
        entry = manifest_entry(version, path) if entries is None else entries[path]
        holders = [Holder(store, base + path) for store, base in stores]
        return StoredFile(holders, entry, proved=proved, check=check)

    return open_input


def openers(
    versions: Iterable[Version],
    paths: Iterable[str] | None = None,
    *,
    near: str = "",
    proved: bool = False,
    check: Check = unchecked,
) -> tuple[OpenInput, ...]:
    """Return what opens the files of each version, as `opener` does when it is first asked."""
    return tuple(
        _when_asked(partial(opener, each, paths, near=near, proved=proved, check=check))
        for each in versions
    )


def _when_asked(make: Callable[[], OpenInput]) -> OpenInput:
    made = cache(make)
    return lambda path: made()(path)


def _nearest_first(version: Version, near: str) -> list[Replica]:
    replicas = Replica.objects.select_related("store__site").filter(
        version=version,
        state=ReplicaState.COMPLETE,
        store__quarantined_at__isnull=True,
        store__site__state__in=_READABLE_SITES,
    )
    if not replicas:
        raise StoreUnavailable(
            f"{version.name} has no complete replica at a site that is on-line now.",
            name=version.name,
        )
    return sorted(
        replicas,
        key=lambda each: (
            not each.store.reachable,
            each.store.name != near,
            SITE_ORDER.get(each.store.site.kind, 9),
            each.store.name,
        ),
    )


def _entries(version: Version, paths: list[str]) -> Iterator[tuple[str, FileEntry]]:
    """Yield the entries of `paths`, which are sorted as text, reading each manifest shard once."""
    wanted = sorted(paths, key=str.encode)
    if not wanted:
        return
    yield wanted[0], manifest_entry(version, wanted[0])
    left = set(wanted[1:])
    for entry in manifest_entries(version, after=wanted[0]):
        if not left:
            return
        if entry.path in left:
            left.discard(entry.path)
            yield entry.path, entry
