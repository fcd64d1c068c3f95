"""A thousand transfers, four workers, and every two seconds one of them is killed with kill -9.

250 versions of a few files, some of which are long, are wanted in four folders besides their own.
Workers are processes that look for transfers that are due, claim one and carry it, over and over;
who is killed is drawn from a seed (SEED), and another begins at once in its stead. In the end every
transfer must be done, each once by the audit log, every byte at every target must be right, and no
unfinished upload may be left. Workers note what they send before they send it, part by part, so
that what was in flight at a kill counts as sent whole: what exceeds the bytes of the files is what
the kills cost.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import logging
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import django

from benchmarks.harness import MIB, Figure, finish, need, options, print_conditions

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
_HOME = tempfile.mkdtemp(prefix="fairmesh-kills-")
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
os.environ.setdefault("FAIRMESH_HOME", _HOME)  # the process that measures is given its own
django.setup()

# Django must be set up before its models can be imported.
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.models import Count, Q, Sum  # noqa: E402
from django.utils import timezone  # noqa: E402

from benchmarks.catalogue import measured_on  # noqa: E402
from catalog.models import Version  # noqa: E402
from catalog.selectors import manifest_entries  # noqa: E402
from core.digests import CHUNK_BYTES  # noqa: E402
from core.names import Name  # noqa: E402
from governance.models import AuditEntry  # noqa: E402
from movement.models import ACTIVE, WORKING, Transfer, TransferState  # noqa: E402
from movement.services import request_transfer, run_transfer  # noqa: E402
from movement.services.claims import READY  # noqa: E402
from movement.stores.directory import DirectoryStore  # noqa: E402
from movement.stores.protocol import Body, ObjectFacts, Part  # noqa: E402
from tests.builders import build_world  # noqa: E402
from tests.postgres import server as postgres_server  # noqa: E402

VERSIONS, QUICK_VERSIONS = 250, 13
TARGETS = ("t1", "t2", "t3", "t4")
WORKERS = 4
KILL_SECONDS, LEASE_SECONDS = 2.0, 5
LONG_EVERY, LONG_BYTES = 12, 40 * MIB
SHORT_BYTES = (0, 1_000, 300_000)
PRODUCT = "/acme/nlp/~/killed"
GOAL_PARTS = 2.0
_PATIENCE = 3600.0


def main() -> int:
    if os.environ.get("FAIRMESH_BENCH_CHILD"):
        return measure(int(sys.argv[1]), int(sys.argv[2]))
    asked = options(__doc__, pairs=1)
    need(modules=["pgserver"])
    logging.getLogger("pgserver").setLevel(logging.WARNING)
    seed = int(os.environ.get("SEED", "20261128"))
    versions = QUICK_VERSIONS if asked.quick else VERSIONS
    told = (
        f"{versions * len(TARGETS)} transfers on PostgreSQL, {WORKERS} workers, a kill every "
        f"{KILL_SECONDS:g} s, leases of {LEASE_SECONDS} s, seed {seed}"
    )
    print_conditions(asked, told, ["django"])
    os.environ |= {"FAIRMESH_BENCH_CHILD": "1", "FAIRMESH_LEASE_SECONDS": str(LEASE_SECONDS)}
    with postgres_server() as url:
        found = measured_on(url, "benchmarks.kills", [str(versions), str(seed)])
    parts = found["resent_bytes"] / CHUNK_BYTES / max(1.0, found["kills"])
    return finish(
        [
            Figure("kills_resent", parts, "parts/kill", None, GOAL_PARTS / max(parts, 1e-9), 1.0),
            Figure("kills_of_workers", found["kills"], "kills"),
            Figure("kills_seconds_to_all_done", found["seconds"], "s"),
        ],
        judge=not asked.quick,
    )


def measure(versions: int, seed: int) -> int:
    """Fill the database at DATABASE_URL, kill and work until all is done; print the figures."""
    for name in ("core.events", "movement.doorbell"):
        logging.getLogger(name).setLevel(logging.ERROR)  # there is no broker here
    call_command("migrate", verbosity=0)
    build(versions)
    sent = Path(settings.FAIRMESH.home) / "sent"
    print(f"queued: {Transfer.objects.count()}; load {os.getloadavg()[0]:.1f}", flush=True)
    began = time.monotonic()
    kills = work_and_kill(random.Random(seed), sent)
    seconds = time.monotonic() - began
    check(versions)
    wanted = len(TARGETS) * (Version.objects.aggregate(Sum("bytes"))["bytes__sum"] or 0)
    resent = sum(int(line) for line in sent.read_text().split()) - wanted
    attempts = Counter(Transfer.objects.values_list("attempt", flat=True))
    print(
        f"done, each once, no wrong byte, no unfinished upload; {kills} kills; transfers by their "
        f"attempts: {dict(sorted(attempts.items()))}; {resent / MIB:.1f} MiB sent again of "
        f"{wanted / MIB:.0f}; load {os.getloadavg()[0]:.1f}"
    )
    print(json.dumps({"kills": kills, "seconds": seconds, "resent_bytes": resent}))
    return 0


def build(versions: int) -> None:
    world = build_world(settings, Path(settings.FAIRMESH.home))
    for name in ("home", *TARGETS):
        world.add_site(name, "core", ["EU"])
        world.add_directory(name, name)
    world.add_product(PRODUCT)
    for number in range(1, versions + 1):
        draw = random.Random(number)
        files = {f"{size}.bin": draw.randbytes(size) for size in SHORT_BYTES}
        if number % LONG_EVERY == 0:
            files["long.bin"] = draw.randbytes(LONG_BYTES)
        version = world.publish(PRODUCT, files, store="home")
        for target in TARGETS:
            request_transfer(world.operator.principal, version=version.name, target=target)


# -- workers, and who kills them


def work_and_kill(draw: random.Random, sent: Path) -> int:
    """Keep the workers going until nothing is left to do; return how many were killed."""
    workers = [start(number, sent) for number in range(WORKERS)]
    started, kills, end = WORKERS, 0, time.monotonic() + _PATIENCE
    while Transfer.objects.filter(state__in=ACTIVE).exists():
        if time.monotonic() > end:
            sys.exit(f"not done: {Counter(Transfer.objects.values_list('state', 'reason_code'))}")
        time.sleep(KILL_SECONDS)
        place = draw.randrange(WORKERS)
        stop(workers[place])
        kills += 1
        workers[place] = start(started, sent)
        started += 1
    for pid in workers:
        stop(pid)
    return kills


def start(number: int, sent: Path) -> int:
    """Fork a worker: what was imported is there already, so that it begins at once."""
    connection.close()  # a child must not share it
    pid = os.fork()
    if not pid:
        worker(random.Random(number), sent)
    return pid


def stop(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def worker(draw: random.Random, sent: Path) -> NoReturn:
    """Carry what is due, for ever."""
    note_what_is_sent(sent)
    while True:
        now = timezone.now()
        due = Q(state__in=READY, next_attempt_at__lte=now)
        left = Q(state__in=WORKING, lease_until__lt=now)
        ids = list(Transfer.objects.filter(due | left).values_list("pk", flat=True)[:50])
        if ids:
            run_transfer(draw.choice(ids))
        else:
            time.sleep(0.2)


def note_what_is_sent(sent: Path) -> None:
    """Have every body's size appended to a file before the first byte of it is stored."""
    log = os.open(sent, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    put, put_part = DirectoryStore.put, DirectoryStore.put_part

    def note(key: str, body: Body) -> None:
        if "/.fairmesh/" not in key:
            os.write(log, f"{body.bytes}\n".encode())

    def noted_put(
        self: DirectoryStore, key: str, body: Body, facts: ObjectFacts, *, if_absent: bool = False
    ) -> str:
        note(key, body)
        return put(self, key, body, facts, if_absent=if_absent)

    def noted_part(self: DirectoryStore, key: str, upload_id: str, number: int, body: Body) -> Part:
        note(key, body)
        return put_part(self, key, upload_id, number, body)

    changed: dict[str, Callable[..., object]] = {"put": noted_put, "put_part": noted_part}
    for name, function in changed.items():
        setattr(DirectoryStore, name, function)


# -- what must be true afterwards


def check(versions: int) -> None:
    """End the benchmark unless all is done, nothing twice, and every byte is where it should be."""
    states = Counter(Transfer.objects.values_list("state", flat=True))
    if states != {TransferState.DONE: versions * len(TARGETS)}:
        sys.exit(f"not all are done: {states}")
    ended = AuditEntry.objects.filter(action="transfer", detail__state="done")
    told = ended.values_list("name", "detail__target").order_by().annotate(Count("pk"))
    wrong = [row for row in told if row[2] != 1]
    if wrong or len(told) != versions * len(TARGETS):
        sys.exit(f"{len(told)} ends are told, of these {len(wrong)} more than once")
    for version in Version.objects.select_related("product").iterator():
        for target in TARGETS:
            check_files(version, target)
    for target in TARGETS:
        if left := list(store_of(target).uploads()):
            sys.exit(f"{len(left)} unfinished uploads are left at {target}")


def store_of(name: str) -> DirectoryStore:
    return DirectoryStore(Path(settings.FAIRMESH.home) / "stores" / name)


def check_files(version: Version, target: str) -> None:
    """Read the folder itself, not through a store."""
    folder = Path(settings.FAIRMESH.home) / "stores" / target
    folder /= Name.parse(version.name).to_object_key()
    for entry in manifest_entries(version):
        if hashlib.sha256((folder / entry.path).read_bytes()).hexdigest() != entry.sha256:
            sys.exit(f"{entry.path} of {version.name} is wrong at {target}")


if __name__ == "__main__":
    sys.exit(main())
