"""A worker dies anywhere and the next goes on; a store that is away is waited for and told of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from catalog.models import Version, VersionState
from governance.models import ErasureOrder, ErasureReceipt
from movement.models import Replica, Store
from movement.services import sweep_erasures
from movement.stores.directory import DirectoryStore
from movement.stores.protocol import Generation
from tests.builders import World, kept
from tests.movement.conftest import WIKI, add_folders, add_products
from tests.movement.erasing import (
    act,
    approve,
    copy,
    get,
    keys,
    propose,
    receipts,
    site_is,
    states,
)

FILES = {f"part-{number}.csv": b"x\n1\n" for number in range(6)}


class Killed(BaseException):
    """What no handler catches: from here on the worker writes nothing, as after kill -9."""


@kept
def build_copied(world: World) -> None:
    """WIKI has a version with two copies."""
    add_products(world)
    add_folders(world)
    copy(world, world.publish(WIKI, FILES, store="dir-eu"), "dir-us")


@pytest.fixture
def folders(db: None, settings: Any, tmp_path: Path) -> World:
    return build_copied(settings, tmp_path)


@pytest.fixture
def order(folders: World) -> dict[str, Any]:
    """An approved erasure of a version with two copies."""
    order = propose(folders.ana, f"{WIKI}/v=1")
    approve(folders.operator, order)
    return order


def die_after(monkeypatch: pytest.MonkeyPatch, count: int) -> Callable[[], None]:
    """Let the process die at its erasure of that many objects; return what undoes it."""
    erase, left = DirectoryStore.erase, [count]

    def dying(self: DirectoryStore, generation: Generation) -> None:
        if not left[0]:
            raise Killed
        left[0] -= 1
        erase(self, generation)

    monkeypatch.setattr(DirectoryStore, "erase", dying)
    return lambda: monkeypatch.setattr(DirectoryStore, "erase", erase)


def forget_the_lease() -> None:
    past = timezone.now() - timedelta(seconds=1)
    ErasureOrder.objects.update(lease_until=past)


@pytest.mark.parametrize("count", [0, 3, 9])
def test_the_next_worker_goes_on_where_the_first_died(
    folders: World, order: dict[str, Any], monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    revive = die_after(monkeypatch, count)
    with pytest.raises(Killed):
        act(order)
    revive()
    assert Version.objects.get().state == VersionState.TOMBSTONED
    assert act(order) is None, "the dead worker's lease still holds"
    assert sweep_erasures() == 0
    forget_the_lease()
    assert sweep_erasures() == 1
    assert act(order) == "done"
    assert keys("dir-eu") == keys("dir-us") == []
    told = receipts(get(folders.ana, f"erasures/{order['id']}"))
    replicas = [row for key, row in told.items() if key[0] == "replica"]
    assert {row["state"] for row in replicas} == {"erased"}
    done = get(folders.ana, f"erasures/{order['id']}/receipt")
    assert act(order) is None
    assert get(folders.ana, f"erasures/{order['id']}/receipt") == done


def test_a_worker_that_lost_its_lease_writes_nothing(
    folders: World, order: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    erase = DirectoryStore.erase

    def slept(self: DirectoryStore, generation: Generation) -> None:
        ErasureOrder.objects.update(fence=99)
        erase(self, generation)

    monkeypatch.setattr(DirectoryStore, "erase", slept)
    assert act(order) is None
    row = ErasureOrder.objects.get()
    assert (row.state, row.statement) == ("acting", None)


def test_a_site_that_is_away_is_waited_for_and_ends_the_order(
    folders: World, order: dict[str, Any]
) -> None:
    site_is(folders, "core-us", "offline")
    assert act(order) == "acting"
    assert keys("dir-eu") == []
    shown = get(folders.ana, f"erasures/{order['id']}")
    waiting = receipts(shown)["replica", f"{WIKI}/v=1", "dir-us"]
    assert (waiting["state"], waiting["reason_code"]) == ("pending", "site_offline")
    assert waiting["next_attempt_at"] == shown["next_attempt_at"]
    assert (waiting["attempt"], shown["progress"]["pending"]) == (0, 1)
    assert states(f"{WIKI}/v=1")["dir-us"] == "complete"
    assert act(order) is None, "it is not due"
    site_is(folders, "core-us", "online")
    assert act(order) == "done"
    assert keys("dir-us") == []


def test_a_store_that_does_not_answer_is_tried_again_with_its_reason(
    folders: World, order: dict[str, Any]
) -> None:
    root = folders.home / "stores" / "dir-us"
    hidden = root.with_name("away")
    root.rename(hidden)
    root.write_text("not a folder")
    assert act(order) == "acting"
    receipt = ErasureReceipt.objects.get(kind="replica", place="dir-us")
    assert (receipt.state, receipt.reason_code, receipt.attempt) == (
        "pending", "store_unavailable", 1,
    )  # fmt: skip
    assert receipt.next_attempt_at is not None
    assert receipt.next_attempt_at > timezone.now()
    assert str(root) not in receipt.reason
    assert not Store.objects.get(name="dir-us").reachable
    root.unlink()
    hidden.rename(root)
    ErasureReceipt.objects.update(next_attempt_at=None)
    ErasureOrder.objects.update(next_attempt_at=timezone.now())
    assert act(order) == "done"
    assert keys("dir-us") == []
    assert set(Replica.objects.values_list("state", flat=True)) == {"deleted"}


def test_a_lost_site_is_receipted_as_what_nobody_can_tell(
    folders: World, order: dict[str, Any]
) -> None:
    site_is(folders, "core-us", "lost")
    assert act(order) == "done"
    failed = ErasureReceipt.objects.get(kind="replica", place="dir-us")
    assert (failed.state, failed.reason_code) == ("failed", "site_lost")


def test_an_unforeseen_error_leaves_a_reason_and_a_next_attempt(
    order: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: DirectoryStore, prefix: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(DirectoryStore, "uploads", broken)
    act(order)
    row = ErasureOrder.objects.get()
    assert (row.state, row.reason_code) == ("acting", "unforeseen")
    assert row.next_attempt_at is not None
    assert row.next_attempt_at > timezone.now()
    assert (row.lease_until, row.lease_owner) == (None, "")
