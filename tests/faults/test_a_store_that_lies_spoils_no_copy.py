"""Wrong bytes, bodies cut short, 503 after 503, listings of yesterday: what a store says is proved.

The copy comes from elsewhere, or waits with its reason; it is never taken for whole before it is,
and once the store behaves nothing is left of what was begun.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from django.utils import timezone

from core.digests import CHUNK_BYTES
from governance.models import AuditEntry
from movement.engine import single
from movement.models import Replica, ReplicaState, Store, Transfer, TransferState
from movement.opening import open_store
from movement.services import create_store, request_transfer, run_transfer
from tests.builders import World
from tests.faults.conftest import WIKI
from tests.faults.liar import (
    Liar,
    Lie,
    busy,
    forgetful,
    honest,
    liar,
    stale_listing,
    truncated,
    wrong_bytes,
)
from tests.servers import S3Server

LONG = random.Random(5).randbytes(CHUNK_BYTES + 70_000)
FILES = {"a.csv": b"x\n1\n", "b.bin": bytes(range(256)) * 300, "long.bin": LONG}
"""One body, one body, two parts."""
at_its_source = pytest.mark.parametrize("lie", [wrong_bytes, truncated, busy])
at_its_target = pytest.mark.parametrize("lie", [busy, stale_listing, forgetful])


@pytest.fixture(scope="session")
def _liar(s3: S3Server) -> Iterator[Liar]:
    with liar(s3.endpoint) as one:
        yield one


@pytest.fixture
def liar_at_us(
    folders: World, s3: S3Server, _liar: Liar, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Liar]:
    """The store s3-us at core-us is behind the liar; s3-pt at edge-pt is the same server, bare."""
    monkeypatch.setattr(single, "_WAITS", (0.0, 0.0))
    folders.add_s3("s3-pt", "edge-pt", s3)
    create_store(
        folders.operator.principal,
        name="s3-us",
        site="core-us",
        kind="s3",
        endpoint=_liar.endpoint,
        bucket=f"liar-{timezone.now().timestamp():.6f}".replace(".", "-"),
        prefix="",
        access_key=s3.access_key,
        secret_key=s3.secret_key,
    )
    yield _liar
    _liar.lie = honest


def copy(world: World, version: str, target: str) -> Transfer:
    transfer = request_transfer(world.operator.principal, version=version, target=target)
    return again(transfer)


def again(transfer: Transfer) -> Transfer:
    """Run it now, whenever its next attempt was to be."""
    Transfer.objects.filter(pk=transfer.pk).update(next_attempt_at=timezone.now())
    run_transfer(transfer.pk)
    transfer.refresh_from_db()
    return transfer


def states() -> dict[str, str]:
    return dict(Replica.objects.values_list("store__name", "state"))


def assert_whole(world: World, store: str, base: str) -> None:
    """Look into the store itself: every byte is there, said once, and no upload is unfinished."""
    opened = open_store(Store.objects.get(name=store))
    for path, data in FILES.items():
        with opened.open(f"{base}/{path}") as reader:
            buffer = bytearray(len(data) + 1)
            view, end = memoryview(buffer), 0
            while count := reader.readinto(view[end:]):
                end += count
        assert bytes(buffer[:end]) == data, path
    assert list(opened.uploads()) == []
    assert Replica.objects.get(store__name=store).state == ReplicaState.COMPLETE
    done = AuditEntry.objects.filter(action="transfer", detail__target=store, detail__state="done")
    assert done.count() == 1


def assert_waits_with_a_reason(transfer: Transfer, codes: set[str]) -> None:
    assert transfer.state == TransferState.WAITING
    assert transfer.reason_code in codes
    assert transfer.reason
    assert transfer.next_attempt_at > timezone.now()
    assert states().get(transfer.target.name) != ReplicaState.COMPLETE


@at_its_source
def test_a_source_that_lies_gives_way_to_another(
    folders: World, liar_at_us: Liar, lie: Lie
) -> None:
    """The liar is nearest, so it is tried first; the bytes come from dir-eu."""
    version = folders.publish(WIKI, FILES, store="s3-us")
    assert copy(folders, version.name, "dir-eu").state == TransferState.DONE
    liar_at_us.lie = lie
    asked = len(liar_at_us.requests)
    transfer = copy(folders, version.name, "dir-us")
    assert any(request.reads for request in liar_at_us.requests[asked:]), "it was asked"
    assert transfer.state == TransferState.DONE
    assert transfer.source == Store.objects.get(name="dir-eu")
    assert_whole(folders, "dir-us", version.name.strip("/"))
    condemned = ReplicaState.CORRUPT if lie is wrong_bytes else ReplicaState.COMPLETE
    assert states() == {"s3-us": condemned, "dir-eu": "complete", "dir-us": "complete"}


@at_its_source
def test_with_no_other_source_the_copy_waits(folders: World, liar_at_us: Liar, lie: Lie) -> None:
    version = folders.publish(WIKI, FILES, store="s3-us")
    liar_at_us.lie = lie
    transfer = copy(folders, version.name, "s3-pt")
    assert_waits_with_a_reason(transfer, {"no_source", "store_unavailable", "source_unavailable"})
    target = open_store(transfer.target)
    listed = {info.key: info.bytes for info in target.list(version.name.strip("/"))}
    whole = {f"{version.name.strip('/')}/{path}": len(data) for path, data in FILES.items()}
    assert not [key for key in listed if "/.fairmesh/" not in key and listed[key] != whole[key]]
    if lie is wrong_bytes:
        assert states()["s3-us"] == ReplicaState.CORRUPT
        assert list(target.uploads()) == [], "what can never be right is dropped"
        return
    liar_at_us.lie = honest
    assert again(transfer).state == TransferState.DONE
    assert_whole(folders, "s3-pt", version.name.strip("/"))


@at_its_target
def test_a_target_that_lies_is_not_believed(folders: World, liar_at_us: Liar, lie: Lie) -> None:
    version = folders.publish(WIKI, FILES, store="dir-eu")
    liar_at_us.lie = lie
    transfer = copy(folders, version.name, "s3-us")
    assert_waits_with_a_reason(
        transfer, {"store_unavailable", "integrity_broken", "object_missing"}
    )
    liar_at_us.lie = honest
    assert again(transfer).state == TransferState.DONE
    assert_whole(folders, "s3-us", version.name.strip("/"))
    assert states() == {"dir-eu": "complete", "s3-us": "complete"}
