"""Where no link is open directly a copy goes over a third site: told, allowed there, only so."""

from __future__ import annotations

import pytest

from movement.models import Link, Replica, Site, Store, Transfer, TransferState
from movement.services import cancel_transfer, request_transfer, run_transfer
from tests.builders import World
from tests.movement.conftest import WIKI

FILES = {"a.csv": b"x\n1\n", "b.bin": bytes(range(256)) * 300}


@pytest.fixture
def cut(folders: World) -> World:
    """No byte passes from core-eu to core-us; edge-pt is reached from one and reaches the other."""
    close(folders, "core-eu", "core-us")
    return folders


def close(world: World, source: str, target: str) -> None:
    sites = Site.objects.in_bulk([source, target], field_name="name")
    Link.objects.create(source=sites[source], target=sites[target], open=False)


def asked_for(world: World) -> Transfer:
    version = world.publish(WIKI, FILES, store="dir-eu")
    return request_transfer(world.operator.principal, version=version.name, target="dir-us")


def lies(world: World, store: str) -> list[str]:
    """Return what is really there, whatever our records say."""
    folder = world.home / "stores" / store
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_it_waits_for_its_stop_and_then_goes_on(cut: World) -> None:
    final = asked_for(cut)
    assert run_transfer(final.pk) == TransferState.WAITING
    final.refresh_from_db()
    assert (final.reason_code, final.attempt) == ("needs_hop", 0)
    assert "dir-pt first" in final.reason
    assert lies(cut, "dir-us") == []
    hop = Transfer.objects.get(target__name="dir-pt")
    assert (hop.hop_for, hop.tenant, hop.asked_by) == (final.target, "nlp", final.asked_by)
    assert run_transfer(hop.pk) == TransferState.DONE
    stop = Replica.objects.get(store__name="dir-pt")
    assert (stop.state, stop.asked_by) == ("complete", "hop")
    assert run_transfer(final.pk) == TransferState.DONE, "it is due at once"
    final.refresh_from_db()
    assert final.source == Store.objects.get(name="dir-pt")
    assert Replica.objects.get(store=final.target).asked_by == cut.operator.principal.id


def test_it_does_not_stop_where_a_policy_forbids_it(cut: World) -> None:
    final = asked_for(cut)
    cut.add_protection("not-pt", "{residency: [DE, US]}")
    assert run_transfer(final.pk) == TransferState.WAITING
    final.refresh_from_db()
    assert final.reason_code == "no_route"
    assert "core-eu" in final.reason
    assert not Transfer.objects.filter(target__name="dir-pt").exists()
    assert lies(cut, "dir-pt") == []


def test_a_stop_that_is_forbidden_meanwhile_gets_no_byte(cut: World) -> None:
    final = asked_for(cut)
    run_transfer(final.pk)
    hop = Transfer.objects.get(target__name="dir-pt")
    cut.add_protection("not-pt", "{residency: [DE, US]}")
    assert run_transfer(hop.pk) == TransferState.REFUSED
    assert lies(cut, "dir-pt") == []


def test_a_direct_way_is_taken_however_slow(folders: World) -> None:
    sites = Site.objects.in_bulk(["core-eu", "core-us"], field_name="name")
    link = {"source": sites["core-eu"], "target": sites["core-us"]}
    Link.objects.create(**link, measured_rate=1.0, failure_rate=0.9)
    final = asked_for(folders)
    assert run_transfer(final.pk) == TransferState.DONE
    assert lies(folders, "dir-pt") == []


def test_a_stop_that_was_called_off_is_not_tried_again(cut: World) -> None:
    final = asked_for(cut)
    run_transfer(final.pk)
    hop = Transfer.objects.get(target__name="dir-pt")
    cancel_transfer(cut.operator.principal, hop.pk)
    Transfer.objects.filter(pk=final.pk).update(next_attempt_at=final.created_at)
    assert run_transfer(final.pk) == TransferState.WAITING
    final.refresh_from_db()
    assert final.reason_code == "no_route"
    assert Transfer.objects.filter(target__name="dir-pt").count() == 1
