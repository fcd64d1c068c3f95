"""When a disk takes no more, the copy waits with its reason, and leaves no half of a file there.

The kernel refuses every byte of a file beyond a megabyte, as it does when a disk is full; it does
so for this process, while the transfer runs.
"""

from __future__ import annotations

import random
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.utils import timezone

from core.digests import CHUNK_BYTES
from movement.engine import single
from movement.models import Replica, ReplicaState, Transfer, TransferState
from movement.opening import open_store
from movement.services import request_transfer, run_transfer
from tests.builders import World
from tests.faults.conftest import WIKI

MIB = 1024 * 1024
draw = random.Random(3)
FILES = {
    "a.csv": b"x\n1\n",
    "one-body.bin": draw.randbytes(2 * MIB + 1),
    "parts.bin": draw.randbytes(CHUNK_BYTES + 7),
}


@contextmanager
def no_file_beyond(limit: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_the_copy_waits_and_then_goes_on(folders: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single, "_WAITS", (0.0, 0.0))
    version = folders.publish(WIKI, FILES, store="dir-eu")
    asked = request_transfer(folders.operator.principal, version=version.name, target="dir-us")
    with no_file_beyond(MIB):
        assert run_transfer(asked.pk) == TransferState.WAITING
    asked.refresh_from_db()
    assert asked.reason_code == "store_unavailable"
    assert "File too large" in asked.reason
    assert "dir-us" in asked.reason
    assert asked.target.root not in asked.reason
    assert asked.next_attempt_at > timezone.now()
    assert Replica.objects.get(store=asked.target).state != ReplicaState.COMPLETE
    root = Path(asked.target.root)
    there = {path: FILES[path.name] for path in root.rglob("*") if path.name in FILES}
    assert all(path.read_bytes() == data for path, data in there.items()), "a half of a file"
    assert {path.name for path in there} <= {"a.csv"}
    assert list((root / ".fairmesh-meta" / "temporary").iterdir()) == []

    Transfer.objects.filter(pk=asked.pk).update(next_attempt_at=timezone.now())
    assert run_transfer(asked.pk) == TransferState.DONE
    store, base = open_store(asked.target), version.name.strip("/")
    assert {path: store.read(f"{base}/{path}") for path in FILES} == FILES
    assert list(store.uploads()) == []
