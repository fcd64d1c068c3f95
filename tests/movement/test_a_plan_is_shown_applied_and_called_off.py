"""Plans that people ask for: by name, policy or site; applied as shown; watched; called off."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from catalog.models import Version
from movement.models import AppliedPlan, Link, Site, Store, Transfer, TransferState
from movement.services import run_transfer
from tests.builders import World
from tests.movement.conftest import PATIENTS, WIKI

GB = 10**9


@pytest.fixture
def planned(folders: World) -> dict[str, Version]:
    """Two products at dir-eu; `two` asks for a second copy of WIKI, `eu` keeps PATIENTS there."""
    found = {
        name: folders.publish(name, {"a.csv": b"x\n1\n"}, store="dir-eu")
        for name in (WIKI, PATIENTS)
    }
    Store.objects.filter(name="dir-us").update(cost_gb_month="0.02")
    Store.objects.filter(name="dir-pt").update(cost_gb_month="0.5")
    Link.objects.create(
        source=Site.objects.get(name="core-eu"),
        target=Site.objects.get(name="core-us"),
        cost_per_gb="0.09",
        measured_rate=100e6,
    )
    for version in found.values():
        Version.objects.filter(pk=version.pk).update(bytes=GB)
    folders.add_protection("two", "{copies: 2}", "/acme/nlp")
    folders.add_protection("eu", "{copies: 2, residency: [EU]}", "/acme/health")
    Transfer.objects.all().delete()
    return found


def ask(client: Client, **query: Any) -> dict[str, Any]:
    answer = client.get("/api/v1/plans", query)
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def apply(client: Client, **body: Any) -> Any:
    return client.post("/api/v1/plans", body, content_type="application/json")


def test_a_plan_tells_way_time_and_price(folders: World, planned: dict[str, Version]) -> None:
    plan = ask(folders.operator.client(), name=WIKI, keep="false")
    (line,) = plan["items"]
    assert (line["action"], line["source"], line["target"]) == ("copy", "dir-eu", "dir-us")
    assert line["seconds"] == pytest.approx(11, abs=0.5)
    assert line["cost"] == pytest.approx(0.09, abs=0.001)
    assert line["cost_per_month"] == pytest.approx(0.02)
    assert (plan["copies"], plan["bytes"], plan["unroutable"]) == (1, GB, 0)
    assert plan["cost"] == line["cost"]
    assert not Transfer.objects.exists()


def test_a_plan_is_asked_for_by_policy_and_by_site(
    folders: World, planned: dict[str, Version]
) -> None:
    operator = folders.operator.client()
    by_policy = ask(operator, policy="eu", keep="false")
    steps = {(i["version"], i["action"], i["target"]) for i in by_policy["items"]}
    assert (planned[PATIENTS].name, "copy", "dir-pt") in steps
    assert {version for version, _, _ in steps} == {planned[PATIENTS].name}
    by_site = ask(operator, site="core-us")
    assert {(i["version"], i["target"]) for i in by_site["items"]} == {
        (planned[WIKI].name, "dir-us"), (planned[PATIENTS].name, "dir-us"),
    }  # fmt: skip
    assert operator.get("/api/v1/plans").status_code == 422
    assert operator.get("/api/v1/plans", {"site": "nowhere"}).status_code == 404
    assert operator.get("/api/v1/plans", {"policy": "none"}).status_code == 404


def test_only_the_plan_that_was_shown_is_applied(
    folders: World, planned: dict[str, Version]
) -> None:
    operator = folders.operator.client()
    shown = ask(operator, name=WIKI)
    folders.add_protection("two", "{copies: 3}", "/acme/nlp")
    answer = apply(operator, name=WIKI, digest=shown["digest"])
    assert answer.status_code == 409
    assert not AppliedPlan.objects.exists()
    again = ask(operator, name=WIKI)
    applied = apply(operator, name=WIKI, digest=again["digest"])
    assert applied.status_code == 200
    row = AppliedPlan.objects.get()
    assert str(row.pk) == applied.json()["plan"]
    assert row.transfers.count() == 2


def test_an_applied_plan_is_watched_and_called_off(
    folders: World, planned: dict[str, Version]
) -> None:
    folders.add_protection("two", "{copies: 3}", "/acme/nlp")
    Transfer.objects.all().delete()
    Version.objects.filter(pk=planned[WIKI].pk).update(bytes=4)
    ana = folders.ana.client()
    plan = apply(ana, name=WIKI).json()["plan"]
    first = Transfer.objects.order_by("pk").first()
    assert first is not None
    assert run_transfer(first.pk) == TransferState.DONE
    told = ana.get(f"/api/v1/plans/{plan}").json()
    assert (told["states"], told["active"]) == ({"done": 1, "queued": 1}, 1)
    assert folders.carla.client().get(f"/api/v1/plans/{plan}").status_code == 404
    undone = folders.operator.client().post(f"/api/v1/plans/{plan}/undo").json()
    assert undone["states"] == {"done": 1, "cancelled": 1}
    assert undone["undone_at"] is not None


def test_the_plan_of_a_site_does_nothing_elsewhere(
    folders: World, planned: dict[str, Version]
) -> None:
    folders.add_protection("two", "{copies: 3}", "/acme/nlp")
    Transfer.objects.all().delete()
    assert apply(folders.operator.client(), name="", site="core-us").status_code == 200
    assert [row.target.name for row in Transfer.objects.filter(state=TransferState.QUEUED)] == [
        "dir-us"
    ]
