"""One reading of one replica: its listing, its files, the second looks, the findings."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings
from django.db import transaction

from catalog.selectors import manifest_entries
from core.lease import Lease
from core.manifest import FileEntry
from movement.engine.pace import Pace
from movement.engine.scrub import (
    Fault,
    Finding,
    Reading,
    compare,
    judge,
    read_differently,
    read_file,
)
from movement.engine.single import persist
from movement.engine.spans import CopyStopped, Lane
from movement.models import ReplicaOrigin, Scrub, ScrubFinding, Store, StoreKind
from movement.opening import open_store
from movement.services.repair import FINDINGS_MAX
from movement.services.sealing import SEAL_FOLDER
from movement.services.stores import problem_of
from movement.services.wiping import Sharer, sharers_of
from movement.stores.folders import HIDDEN

SLICE_SECONDS = 60.0
"""How long a scrub holds a worker before others have their turn; a long file may take longer."""


class Walk:
    """Goes through a replica and writes down what is not as its manifest says.

    Memory: one listed object, one shard of the manifest, one buffer. `now` may be asked from
    another thread: a path it gives is done with, its finding written.
    """

    def __init__(self, scrub: Scrub, lease: Lease[Scrub]) -> None:
        self._scrub, self._lease = scrub, lease
        self._replica = scrub.replica
        self._store = open_store(scrub.replica.store)
        pace = Pace(settings.FAIRMESH.scrub_bytes_per_second or None)
        self._lane = Lane(_count_nothing, lambda: False, pace=pace)
        self._done = (scrub.files, scrub.bytes, scrub.after)
        self._sharers: list[Sharer] | None = None
        found = scrub.findings.exclude(kind=Fault.EXTRA)
        self._broken = set(found.values_list("path", flat=True))
        self.lies = False
        """The store gave other bytes for one object at the second time."""

    def now(self) -> dict[str, int | str]:
        """Return `files`, `bytes` and `after`."""
        return dict(zip(("files", "bytes", "after"), self._done, strict=True))

    def go(self, should_stop: Callable[[], bool]) -> bool:
        """Walk on from `scrub.after`; False when its slice of time is over before its end.

        Raises StoreUnavailable, StoreRefused; CopyStopped when it was asked to stop.
        """
        self._lane.should_stop = should_stop
        if not self._scrub.after:
            self._look()
        if self._scrub.deep:
            return self._read()
        self._done = (self._replica.version.files, 0, "")
        return True

    def _look(self) -> None:
        """Compare the listing with the manifest; what it lacks is looked for by name."""
        told = 0
        for finding in compare(self._listed(), manifest_entries(self._replica.version)):
            self._lane.stop_if_asked()
            if finding.entry is None:
                if told < FINDINGS_MAX and self._is_nobodys(finding.path):
                    self._note(finding)
                    told += 1
            elif (sure := judge(finding.entry, self._open(finding.entry))) is not None:
                self._note(sure)
                if self._too_many():
                    return

    def _listed(self) -> Iterator[tuple[str, int]]:
        base = self._replica.base
        for info in self._store.list(base):
            path = info.key.removeprefix(base)
            if not path.startswith(SEAL_FOLDER):
                yield path, info.bytes

    def _is_nobodys(self, path: str) -> bool:
        """Say whether an object below our own prefix is no other version's either.

        Where objects were registered the folder is its owner's, who may put there what he likes.
        """
        replica = self._replica
        if replica.origin == ReplicaOrigin.REGISTERED:
            return False
        if self._sharers is None:
            self._sharers = sharers_of(replica.pk, replica.store, replica.base, own=True)
        return not any(sharer.has(replica.base + path) for sharer in self._sharers)

    def _read(self) -> bool:
        """Hash every file that is there."""
        until = time.monotonic() + SLICE_SECONDS
        for entry in manifest_entries(self._replica.version, after=self._scrub.after):
            self._lane.stop_if_asked()
            if self._too_many():
                return True
            if entry.path not in self._broken:
                self._prove(entry)
            files, size, _ = self._done
            self._done = (files + 1, size + entry.bytes, entry.path)
            if time.monotonic() > until:
                return False
        return True

    def _prove(self, entry: FileEntry) -> None:
        """Read a file, and once more before anything is said against it."""
        first = self._hash(entry)
        if judge(entry, first) is None:
            return
        second = self._hash(entry)
        if read_differently(first, second):
            self.lies = True
        if (sure := judge(entry, second)) is not None:
            self._note(sure)

    def _open(self, entry: FileEntry) -> Reading:
        key = self._replica.base + entry.path
        return persist(
            lambda: read_file(self._store, key, entry, self._lane, hashed=False), self._lane
        )

    def _hash(self, entry: FileEntry) -> Reading:
        key = self._replica.base + entry.path
        return persist(lambda: read_file(self._store, key, entry, self._lane), self._lane)

    def _note(self, finding: Finding) -> None:
        with transaction.atomic():
            if self._lease.locked() is None:
                raise CopyStopped
            ScrubFinding.objects.get_or_create(
                scrub=self._scrub,
                path=finding.path,
                defaults={"kind": str(finding.fault), "detail": finding.detail},
            )
        if finding.fault is not Fault.EXTRA:
            self._broken.add(finding.path)

    def _too_many(self) -> bool:
        return len(self._broken) >= FINDINGS_MAX


def _count_nothing(count: int) -> None:
    """A scrub counts whole files, once they are done with."""
    del count


def not_itself(store: Store) -> str | None:
    """Return why a store cannot be what it was, before what it lacks is held against it."""
    if (problem := problem_of(store)) is not None:
        return problem
    if store.kind == StoreKind.DIRECTORY and not (Path(store.root) / HIDDEN).is_dir():
        return f"The folder of {store.name} is not the one it was: is its disk mounted?"
    return None
