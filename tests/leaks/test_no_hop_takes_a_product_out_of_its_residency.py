"""Bytes of a product that is bound to a place never lie, by any hop, where it may not be.

Transfers are planned from one store to one other; there are no journeys of several hops. The rule
holds for every hop, so it would hold for each part of a journey.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from typing import Any

import pytest

from catalog.models import Version
from catalog.services import open_version
from core.errors import FairmeshError, PolicyDenied
from governance.services import add_label, save_policy
from movement.models import Replica, ReplicaState, Store, Transfer, TransferState
from movement.opening import open_store
from movement.services import (
    carry,
    publish,
    receive_file,
    reconcile_version,
    register_objects,
    request_transfer,
    retry_transfer,
    run_transfer,
)
from movement.services.ingest import Announced
from tests.builders import World, build_world, deliver

PATIENTS = "/acme/health/~/patients"
CELL = b"anna\n"


@pytest.fixture
def world(db: None, settings: Any, tmp_path: Any) -> World:
    """A core in the EU with two stores and one in the US; what is of patients stays in the EU."""
    world = build_world(settings, tmp_path)
    world.add_site("core-eu", "core", ["DE", "EU"])
    world.add_site("edge-pt", "edge", ["PT", "EU"])
    world.add_site("core-us", "core", ["US"])
    for store, site in {"eu": "core-eu", "pt": "edge-pt", "us": "core-us"}.items():
        world.add_directory(store, site)
    world.add_product(PATIENTS)
    return world


def bind_by_policy(world: World) -> None:
    world.add_protection("eu-only", "{residency: [EU]}", "/acme/health")


def bind_by_label(world: World) -> None:
    world.add_protection("eu-only", "{residency: [EU]}", "/acme", ["sensitivity:patient"])
    world.add_label(PATIENTS, "sensitivity:patient")


def bind_by_forbid(world: World) -> None:
    text = (
        '@id("stay") @reason("Patients stay in the EU.") forbid (principal, action == '
        'Action::"replicate", resource in Domain::"/acme/health")\n'
        'when { !context.jurisdictions.contains("EU") };'
    )
    save_policy(world.operator.principal, kind="access", slug="stay", text=text)


BINDINGS = (bind_by_policy, bind_by_label, bind_by_forbid)
Bind = Callable[[World], None]
every_binding = pytest.mark.parametrize("bind", BINDINGS)


def in_the_us() -> list[str]:
    return [info.key for info in open_store(Store.objects.get(name="us")).list()]


def nothing_is_in_the_us() -> bool:
    whole = Replica.objects.filter(store__name="us", state=ReplicaState.COMPLETE)
    return in_the_us() == [] and not whole.exists()


def put(world: World, version: Version, path: str = "a.csv", store: str = "") -> None:
    sha256 = hashlib.sha256(CELL).hexdigest()
    announced = Announced(path, len(CELL), sha256, store=store)
    receive_file(world.carla.principal, version.pk, announced, io.BytesIO(CELL).read)


@every_binding
def test_nobody_asks_for_a_copy_by_hand(world: World, bind: Bind) -> None:
    version = world.publish(PATIENTS, {"a.csv": CELL}, store="eu")
    bind(world)
    for who in (world.operator, world.carla):
        with pytest.raises(PolicyDenied):
            request_transfer(who.principal, version=version.name, target="us")
    assert nothing_is_in_the_us()
    assert request_transfer(world.operator.principal, version=version.name, target="pt")


@every_binding
def test_the_reconciler_asks_for_none(world: World, bind: Bind) -> None:
    bind(world)
    world.add_protection("three", "{copies: 3}")
    version = world.publish(PATIENTS, {"a.csv": CELL}, store="eu")
    deliver()
    reconcile_version(version.pk)
    states = dict(Transfer.objects.values_list("target__name", "state"))
    assert states == {"us": TransferState.REFUSED, "pt": TransferState.QUEUED}
    for transfer in Transfer.objects.all():
        run_transfer(transfer.pk)
    assert nothing_is_in_the_us()


@every_binding
def test_what_was_queued_before_is_refused(world: World, bind: Bind) -> None:
    version = world.publish(PATIENTS, {"a.csv": CELL}, store="eu")
    queued = request_transfer(world.operator.principal, version=version.name, target="us")
    bind(world)
    assert run_transfer(queued.pk) == TransferState.REFUSED
    for who in (world.operator, world.carla):
        with pytest.raises(PolicyDenied):
            retry_transfer(who.principal, queued.pk)
    assert run_transfer(queued.pk) is None
    assert nothing_is_in_the_us()


@every_binding
def test_what_is_under_way_is_stopped_and_taken_back(
    world: World, bind: Bind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The binding comes when some bytes have arrived and before the copy is whole."""
    version = world.publish(PATIENTS, {"a.csv": CELL, "b.csv": CELL}, store="eu")
    moving = request_transfer(world.operator.principal, version=version.name, target="us")
    seen: list[list[str]] = []
    finish = carry._finish

    def bound_meanwhile(*arguments: Any) -> Any:
        seen.append(in_the_us())
        bind(world)
        return finish(*arguments)

    monkeypatch.setattr(carry, "_finish", bound_meanwhile)
    assert run_transfer(moving.pk) == TransferState.REFUSED
    files = [key for key in seen[0] if "/.fairmesh/" not in key]
    assert len(files) == 2, "there was something to take back"
    assert nothing_is_in_the_us()
    moving.refresh_from_db()
    assert moving.reason_code == "policy_denied"
    assert moving.policies
    deliver()
    reconcile_version(version.pk)
    assert nothing_is_in_the_us()


def test_a_copy_is_stopped_in_the_middle_of_a_file(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only at the end: every heartbeat asks again, and no further piece is sent."""
    version = world.publish(PATIENTS, {"a.csv": CELL}, store="eu")
    moving = request_transfer(world.operator.principal, version=version.name, target="us")
    asked: list[bool] = []

    def copy(job: Any, source: Replica) -> None:
        del source
        assert job.beat._may_go_on() is True
        bind_by_policy(world)
        asked.append(job.beat._may_go_on())

    monkeypatch.setattr(carry, "_copy", copy)
    assert run_transfer(moving.pk) == TransferState.REFUSED
    assert asked == [False]
    assert nothing_is_in_the_us()


def test_another_source_is_no_way_around(world: World) -> None:
    """When the source fails and another takes over, the target is still the same."""
    version = world.publish(PATIENTS, {"a.csv": CELL}, store="eu")
    second = request_transfer(world.operator.principal, version=version.name, target="pt")
    assert run_transfer(second.pk) == TransferState.DONE
    moving = request_transfer(world.operator.principal, version=version.name, target="us")
    base = Replica.objects.get(version=version, store__name="eu").base
    open_store(Store.objects.get(name="eu")).delete(f"{base}a.csv")
    bind_by_policy(world)
    assert run_transfer(moving.pk) == TransferState.REFUSED
    assert nothing_is_in_the_us()


@every_binding
def test_nothing_is_uploaded_there(world: World, bind: Bind) -> None:
    bind(world)
    version = open_version(world.carla.principal, PATIENTS)
    with pytest.raises(PolicyDenied):
        put(world, version, store="us")
    assert nothing_is_in_the_us()
    put(world, version)
    assert Replica.objects.get(version=version).store.name == "eu"


@every_binding
def test_nothing_is_registered_there(world: World, bind: Bind) -> None:
    bind(world)
    version = open_version(world.carla.principal, PATIENTS)
    with pytest.raises(PolicyDenied):
        register_objects(world.carla.principal, version.pk, store="us", prefix="landed")
    assert not Replica.objects.filter(version=version).exists()


@every_binding
def test_a_draft_that_began_there_takes_no_more_and_is_not_sealed(world: World, bind: Bind) -> None:
    version = open_version(world.carla.principal, PATIENTS)
    put(world, version, store="us")
    bind(world)
    with pytest.raises(PolicyDenied):
        put(world, version, path="b.csv")
    with pytest.raises(FairmeshError) as refused:
        publish(world.carla.principal, version.pk)
    assert refused.value.code == "policy_denied"
    assert not Replica.objects.filter(version=version, state=ReplicaState.COMPLETE).exists()
    version.refresh_from_db()
    assert version.state == "draft"


def test_a_label_that_a_version_brings_itself_binds_its_copies(world: World) -> None:
    world.add_protection("eu-only", "{residency: [EU]}", "/acme", ["pii:email"])
    version = world.publish(PATIENTS, {"a.csv": CELL}, store="eu")
    add_label(world.carla.principal, name=PATIENTS, label="pii:email", column="anna")
    world.add_protection("three", "{copies: 3}")
    deliver()
    for transfer in Transfer.objects.all():
        run_transfer(transfer.pk)
    assert nothing_is_in_the_us()
    assert version.replicas.filter(state=ReplicaState.COMPLETE).count() == 2
