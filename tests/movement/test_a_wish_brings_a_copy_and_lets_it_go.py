"""Pins, subscriptions and demand: a copy where somebody wants it, for as long as they do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from catalog.models import Version
from core.errors import Conflict, Invalid, NotFound, PolicyDenied
from movement.models import Demand, Replica, ReplicaState, Site, Transfer, TransferState
from movement.services import (
    end_subscription,
    lift_pin,
    pin_version,
    reconcile_all,
    remove_due,
    run_transfer,
    subscribe_site,
)
from tests.builders import World, deliver
from tests.movement.conftest import WIKI


def carry_all() -> None:
    for transfer in Transfer.objects.filter(state=TransferState.QUEUED):
        assert run_transfer(transfer.pk) == TransferState.DONE


def where(version: Version) -> set[str]:
    complete = version.replicas.filter(state=ReplicaState.COMPLETE)
    return set(complete.values_list("store__name", flat=True))


@pytest.fixture(autouse=True)
def no_delay(settings: Any) -> None:
    settings.FAIRMESH = replace(settings.FAIRMESH, removal_hours=0)


def test_a_pin_keeps_a_version_in_a_store_until_it_is_lifted(folders: World) -> None:
    version = folders.publish(WIKI, {"a.csv": b"x\n1\n"}, store="dir-eu")
    operator = folders.operator.principal
    pin = pin_version(operator, version=version.name, store="dir-us", reason="For the trial.")
    transfer = Transfer.objects.get()
    assert (transfer.target.name, transfer.policies) == ("dir-us", ["pin"])
    carry_all()
    reconcile_all()
    assert where(version) == {"dir-eu", "dir-us"}
    with pytest.raises(Conflict, match="already"):
        pin_version(operator, version=version.name, store="dir-us", reason="Again.")
    lift_pin(operator, pin.pk)
    assert remove_due() == 1
    assert where(version) == {"dir-eu"}


def test_a_pin_ends_by_itself(folders: World) -> None:
    version = folders.publish(WIKI, {"a.csv": b"x\n1\n"}, store="dir-eu")
    operator = folders.operator.principal
    with pytest.raises(Invalid, match="future"):
        pin_version(
            operator, version=version.name, store="dir-us", reason="!", until=timezone.now()
        )
    soon = timezone.now() + timedelta(hours=1)
    pin = pin_version(operator, version=version.name, store="dir-us", reason="!", until=soon)
    carry_all()
    type(pin).objects.update(until=timezone.now() - timedelta(seconds=1))
    reconcile_all()
    assert remove_due() == 1


def test_a_wish_beats_no_policy(folders: World) -> None:
    folders.add_protection("not-there", "{never_sites: [core-us]}")
    version = folders.publish(WIKI, {"a.csv": b"x\n1\n"}, store="dir-eu")
    with pytest.raises(PolicyDenied, match="never at core-us by not-there"):
        pin_version(folders.operator.principal, version=version.name, store="dir-us", reason="!")
    with pytest.raises(PolicyDenied):
        subscribe_site(folders.operator.principal, product=WIKI, site="core-us")
    with pytest.raises(NotFound):
        subscribe_site(folders.operator.principal, product=WIKI, site="nowhere")


def test_a_subscription_keeps_the_latest_two(folders: World) -> None:
    versions = [folders.publish(WIKI, {"a.csv": b"x\n1\n"}, store="dir-eu") for _ in range(2)]
    row = subscribe_site(
        folders.operator.principal, product=WIKI, site="edge-pt", latest=2, priority=9
    )
    assert set(Transfer.objects.values_list("priority", flat=True)) == {9}
    carry_all()
    versions.append(folders.publish(WIKI, {"a.csv": b"x\n2\n"}, store="dir-eu"))
    deliver()
    carry_all()
    reconcile_all()
    assert remove_due() == 1
    assert ["dir-pt" in where(version) for version in versions] == [False, True, True]
    end_subscription(folders.operator.principal, row.pk)
    assert remove_due() == 2
    assert Replica.objects.filter(store__name="dir-pt", state=ReplicaState.COMPLETE).count() == 0


def test_demand_brings_a_copy_near_and_its_end_lets_it_go(folders: World) -> None:
    folders.add_protection("near", "{caches: [{reads: 10, days: 7}]}")
    version = folders.publish(WIKI, {"a.csv": b"x\n1\n"}, store="dir-eu")
    today = timezone.now().date()
    asked = Demand.objects.create(
        version=version, site=Site.objects.get(name="edge-pt"), day=today, reads=9
    )
    reconcile_all()
    assert not Transfer.objects.exists()
    Demand.objects.filter(pk=asked.pk).update(reads=10)
    reconcile_all()
    assert Transfer.objects.get().policies == ["near"]
    carry_all()
    reconcile_all()
    assert where(version) == {"dir-eu", "dir-pt"}
    Demand.objects.filter(pk=asked.pk).update(day=today - timedelta(days=7))
    reconcile_all()
    assert remove_due() == 1
    assert where(version) == {"dir-eu"}
