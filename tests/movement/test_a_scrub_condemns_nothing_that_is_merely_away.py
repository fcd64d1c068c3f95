"""A store that is down, empty like an unmounted disk, or cut off on the way is nobody's fault."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.errors import StoreUnavailable
from movement.engine import scrub as engine
from movement.models import Replica, ReplicaState, Scrub, ScrubState, Store, Transfer
from movement.services import (
    move_store,
    run_scrub,
    scrub_due,
    scrubbing,
    set_site_state,
    start_scrub,
    sweep_scrubs,
)
from tests.builders import World
from tests.movement.scrubbing import FILES, Twice, found, scrub, twice
from tests.servers import S3Server, free_ports


class Killed(BaseException):
    """What no handler catches: from here on the worker writes nothing, as after kill -9."""


@pytest.fixture
def two(folders: World) -> Twice:
    return twice(folders, "dir-eu", "dir-us")


def assert_nothing_is_held_against(mesh: Twice, begun: Scrub) -> None:
    assert begun.state == ScrubState.CUT
    assert begun.reason
    assert mesh.bad.state == ReplicaState.COMPLETE
    assert Store.objects.get(pk=mesh.bad.store_id).quarantined_at is None
    assert not Transfer.objects.filter(state="queued").exists()


@pytest.mark.parametrize("put", ["nothing", "an empty folder"])
def test_a_disk_that_is_not_mounted(two: Twice, put: str) -> None:
    folder = two.world.home / "stores" / "dir-us"
    folder.rename(folder.with_name("away"))
    if put == "an empty folder":
        folder.mkdir()
        (folder / two.bad.base).mkdir(parents=True)
    for deep in (False, True):
        Store.objects.update(reachable=True)
        begun = scrub(two.bad, deep=deep)
        assert_nothing_is_held_against(two, begun)
        assert str(two.world.home) not in begun.reason


@pytest.mark.servers
def test_a_server_that_is_down(two_sites: World, s3: S3Server) -> None:
    mesh = twice(two_sites, "store-eu", "store-us")
    (port,) = free_ports(1)
    keys = {"access_key": s3.access_key, "secret_key": s3.secret_key}
    nowhere = f"http://127.0.0.1:{port}"
    move_store(two_sites.operator.principal, "store-us", endpoint=nowhere, **keys)
    mesh.bad.refresh_from_db()
    begun = scrub(mesh.bad)
    assert_nothing_is_held_against(mesh, begun)
    assert nowhere not in begun.reason
    assert not Store.objects.get(name="store-us").reachable


def failing_at(
    path: str, error: Callable[[], BaseException], monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """Have the reading of one file fail; return the paths that are read, as they are."""
    read: list[str] = []

    def read_file(store: Any, key: str, entry: Any, *rest: Any, **named: Any) -> Any:
        if entry.path == path and named.get("hashed", True):
            raise error()
        read.append(entry.path)
        return engine.read_file(store, key, entry, *rest, **named)

    monkeypatch.setattr(scrubbing, "read_file", read_file)
    return read


def test_a_store_that_fails_after_something_was_found(
    two: Twice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("movement.engine.single._WAITS", (0.0,))
    two.flip("c/flipped.bin")
    failing_at("d/good.bin", lambda: StoreUnavailable("It went away."), monkeypatch)
    begun = scrub(two.bad)
    assert found(begun) == {"c/flipped.bin": "flipped"}
    assert_nothing_is_held_against(two, begun)
    assert two.bad.verified_at is None, "it is the first to be read again"


def test_a_replica_that_is_taken_away_under_it(two: Twice) -> None:
    begun = start_scrub(two.bad, deep=True, asked_by="test")
    assert begun is not None
    Replica.objects.update(state=ReplicaState.DELETING, since=timezone.now())
    assert run_scrub(begun.pk) == ScrubState.CUT
    two.bad.refresh_from_db()
    assert two.bad.state == ReplicaState.DELETING


def test_the_next_worker_goes_on_where_the_first_died(
    two: Twice, monkeypatch: pytest.MonkeyPatch
) -> None:
    two.flip("c/flipped.bin")
    begun = start_scrub(two.bad, deep=True, asked_by="test")
    assert begun is not None
    assert start_scrub(two.bad, deep=True, asked_by="test") is None, "one at a time"
    monkeypatch.setattr(scrubbing, "SLICE_SECONDS", 0.0)
    for _ in range(3):  # a file each: then others have their turn
        assert run_scrub(begun.pk) == ScrubState.RUNNING
    begun.refresh_from_db()
    assert (begun.after, begun.files) == ("c/flipped.bin", 3)
    monkeypatch.setattr(scrubbing, "SLICE_SECONDS", 60.0)
    with monkeypatch.context() as dying:
        failing_at("é/good.csv", Killed, dying)
        with pytest.raises(Killed):
            run_scrub(begun.pk)
    assert run_scrub(begun.pk) is None, "the dead worker's lease still holds"
    assert sweep_scrubs() == 0
    Scrub.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert sweep_scrubs() == 1
    read = failing_at("", Killed, monkeypatch)
    assert run_scrub(begun.pk) == ScrubState.BROKEN
    assert read == ["d/good.bin", "é/good.csv"], "what was read before is not read again"
    begun.refresh_from_db()
    assert (begun.files, found(begun)) == (len(FILES), {"c/flipped.bin": "flipped"})
    assert run_scrub(begun.pk) is None


def test_what_is_out_of_reach_is_passed_over(two: Twice) -> None:
    old = timezone.now() - timedelta(days=400)
    Replica.objects.update(verified_at=old)
    set_site_state(two.world.operator.principal, "core-us", "offline")
    Store.objects.filter(name="dir-eu").update(reachable=False)
    assert scrub_due() == 0
    Store.objects.filter(name="dir-eu").update(reachable=True, quarantined_at=timezone.now())
    assert scrub_due() == 0
    Store.objects.filter(name="dir-eu").update(quarantined_at=None)
    assert scrub_due() == 1
    assert Scrub.objects.get().replica.store.name == "dir-eu"
