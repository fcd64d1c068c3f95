"""Removal: marked, delayed, proved, then gone; and kept by whatever binds it meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from catalog.models import Version
from governance.models import AuditEntry
from governance.services import place_hold
from movement.models import Replica, ReplicaState, SiteState, Store, Transfer, TransferState
from movement.services import (
    reconcile_all,
    reconcile_version,
    remove_due,
    run_transfer,
    set_site_state,
)
from tests.builders import World, deliver
from tests.movement.conftest import WIKI

FILES = {"a.csv": b"x,y\n1,2\n", "b/c.bin": b"\x00" * 70_000}


@pytest.fixture(autouse=True)
def no_delay(settings: Any) -> None:
    settings.FAIRMESH = replace(settings.FAIRMESH, removal_hours=0)


def copied(world: World) -> Version:
    """Return a version at dir-eu, as uploaded, and at dir-us, as the policy `two-copies` asks."""
    world.add_protection("two-copies", "{copies: 2}")
    version = world.publish(WIKI, FILES, store="dir-eu")
    reconcile_version(version.pk)
    for transfer in Transfer.objects.filter(state=TransferState.QUEUED):
        assert run_transfer(transfer.pk) == TransferState.DONE
    return version


def where(version: Version) -> set[str]:
    complete = version.replicas.filter(state=ReplicaState.COMPLETE)
    return set(complete.values_list("store__name", flat=True))


def files_at(store: str, version: Version) -> list[Path]:
    root = Path(Store.objects.get(name=store).root)
    return [p for p in root.rglob("*") if p.is_file() and ".fairmesh-meta" not in p.parts]


def end_policy(world: World) -> None:
    world.add_protection("two-copies", "{copies: 1}")
    deliver()


def test_a_copy_goes_when_its_policy_asks_for_it_no_more(folders: World) -> None:
    version = copied(folders)
    assert where(version) == {"dir-eu", "dir-us"}
    assert remove_due() == 0
    end_policy(folders)
    replica = version.replicas.get(store__name="dir-us")
    assert replica.remove_after is not None
    assert replica.state == ReplicaState.COMPLETE
    assert remove_due() == 1
    assert where(version) == {"dir-eu"}
    assert files_at("dir-us", version) == []
    assert len(files_at("dir-eu", version)) >= len(FILES)
    replica.refresh_from_db()
    assert replica.state == ReplicaState.DELETED
    assert Replica.objects.filter(remove_after__isnull=False).count() == 0
    assert AuditEntry.objects.filter(action="remove-replica").count() == 1
    assert remove_due() == 0


def test_within_its_delay_it_stays_and_is_kept_when_it_is_wanted_again(
    folders: World, settings: Any
) -> None:
    settings.FAIRMESH = replace(settings.FAIRMESH, removal_hours=24)
    version = copied(folders)
    end_policy(folders)
    assert remove_due() == 0
    folders.add_protection("two-copies", "{copies: 2}")
    deliver()
    replica = version.replicas.get(store__name="dir-us")
    assert replica.remove_after is None
    Replica.objects.filter(pk=replica.pk).update(remove_after=timezone.now() - timedelta(days=1))
    assert remove_due() == 0  # the mark was wrong: planned anew, it is wanted
    assert where(version) == {"dir-eu", "dir-us"}


def test_a_hold_keeps_it(folders: World) -> None:
    version = copied(folders)
    end_policy(folders)
    place_hold(folders.operator.principal, name=WIKI, reference="case-7", reason="Asked for.")
    assert remove_due() == 0
    replica = version.replicas.get(store__name="dir-us")
    assert replica.state == ReplicaState.COMPLETE
    assert "case-7" in replica.reason
    assert replica.remove_after is not None


def test_a_doubt_about_another_copy_keeps_it(folders: World) -> None:
    version = copied(folders)
    end_policy(folders)
    victim = next(p for p in files_at("dir-eu", version) if p.name == "a.csv")
    victim.unlink()
    assert remove_due() == 0
    replica = version.replicas.get(store__name="dir-us")
    assert replica.state == ReplicaState.COMPLETE
    assert "dir-eu is in doubt: a.csv" in replica.reason


def test_a_copy_under_way_keeps_what_it_may_read_from(folders: World) -> None:
    version = copied(folders)
    end_policy(folders)
    Transfer.objects.create(
        version=version,
        target=Store.objects.get(name="dir-pt"),
        asked_by="ana",
        next_attempt_at=timezone.now(),
    )
    assert remove_due() == 0
    assert where(version) == {"dir-eu", "dir-us"}


def test_a_removal_that_was_cut_is_gone_on_with(folders: World) -> None:
    version = copied(folders)
    end_policy(folders)
    replica = version.replicas.get(store__name="dir-us")
    Replica.objects.filter(pk=replica.pk).update(state=ReplicaState.DELETING)
    reconcile_all()  # a replica that is going is not counted, and its mark is not lifted
    assert remove_due() == 1
    assert files_at("dir-us", version) == []


def test_a_label_that_binds_has_the_copy_abroad_removed(folders: World) -> None:
    version = copied(folders)
    folders.add_protection("eu-only", "{residency: [EU]}", labels=["sensitivity:patient"])
    folders.add_label(WIKI, "sensitivity:patient")
    deliver()
    assert remove_due() == 0  # there is no second copy in the EU yet
    for transfer in Transfer.objects.filter(state=TransferState.QUEUED):
        assert run_transfer(transfer.pk) == TransferState.DONE
    reconcile_version(version.pk)
    assert remove_due() == 1
    assert where(version) == {"dir-eu", "dir-pt"}
    assert files_at("dir-us", version) == []


def test_a_draining_site_is_emptied_after_its_copies_stand_elsewhere(folders: World) -> None:
    version = copied(folders)
    set_site_state(folders.operator.principal, "core-eu", SiteState.DRAINING)
    reconcile_all()
    assert remove_due() == 0
    for transfer in Transfer.objects.filter(state=TransferState.QUEUED):
        assert run_transfer(transfer.pk) == TransferState.DONE
    reconcile_all()
    assert remove_due() == 1
    assert where(version) == {"dir-us", "dir-pt"}
    assert files_at("dir-eu", version) == []
