"""The plan names what the reader may know of, counts the rest, and a second person approves it."""

from __future__ import annotations

import pytest

from catalog.models import Version, VersionState
from governance.models import ErasureReceipt
from lineage.services import record
from movement.models import Replica, ReplicaState
from movement.services import request_transfer
from tests.builders import World, deliver
from tests.movement.conftest import PATIENTS, WIKI
from tests.movement.erasing import (
    WHY,
    act,
    approve,
    copy,
    get,
    keys,
    post,
    propose,
    receipts,
)

FILES = {"a.csv": b"x\n1\n"}
TOKENS, SECRET, STUDY = "/acme/nlp/~/tokens", "/acme/health/~/secret", "/acme/health/~/study"


@pytest.fixture
def family(folders: World) -> dict[str, Version]:
    """WIKI, and what was made of it: by Ana openly, by Carla openly and by Carla in private."""
    folders.add_product(TOKENS, access="open")
    folders.add_product(STUDY, access="open")
    folders.add_product(SECRET, visibility="team")
    made = {"wiki": folders.publish(WIKI, FILES, store="dir-eu")}
    for key, name, source in (
        ("tokens", TOKENS, "wiki"), ("study", STUDY, "tokens"), ("secret", SECRET, "wiki"),
    ):  # fmt: skip
        made[key] = folders.publish(name, FILES, store="dir-eu", inputs=[made[source].name])
    deliver()
    return made


def rows(order: dict[str, object]) -> dict[str, tuple[str, str]]:
    plan = order["plan"]
    assert isinstance(plan, dict)
    return {row["version"]: (row["does"], row["reason_code"]) for row in plan["versions"]}


def test_the_plan_tells_all_places_and_touches_none(
    folders: World, family: dict[str, Version]
) -> None:
    wiki = family["wiki"]
    copy(folders, wiki, "dir-us")
    request_transfer(folders.operator.principal, version=wiki.name, target="dir-pt")
    before = keys("dir-eu"), keys("dir-us")
    order = propose(folders.ana, wiki.name)
    (row,) = (row for row in order["plan"]["versions"] if row["version"] == wiki.name)
    assert {(each["store"], each["does"]) for each in row["replicas"]} == {
        ("dir-eu", "erase"), ("dir-us", "erase"),
    }  # fmt: skip
    assert [each["target"] for each in row["transfers"]] == ["dir-pt"]
    assert row["index_rows"] > 0
    assert order["plan"]["totals"] == {"versions": 1, "replicas": 2, "files": 2, "bytes": 8}
    assert (order["state"], order["receipts"]) == ("proposed", [])
    assert (keys("dir-eu"), keys("dir-us")) == before
    assert set(Version.objects.values_list("state", flat=True)) == {VersionState.PUBLISHED}
    assert act(order) is None


def test_without_a_cascade_what_is_derived_is_told_and_kept(
    folders: World, family: dict[str, Version]
) -> None:
    order = propose(folders.ana, family["wiki"].name)
    assert rows(order) == {
        family["wiki"].name: ("erase", ""),
        family["tokens"].name: ("keep", "not_asked"),
        family["study"].name: ("keep", "not_asked"),
    }
    assert order["plan"]["hidden"] == {
        "versions": 1, "products": 1, "uncertain": 0, "elsewhere": 0,
    }  # fmt: skip
    approve(folders.operator, order)
    assert act(order) == "done"
    left = Version.objects.filter(state=VersionState.PUBLISHED)
    assert set(left) == {family["tokens"], family["study"], family["secret"]}


def test_an_owner_erases_what_is_theirs_and_asks_the_others(
    folders: World, family: dict[str, Version]
) -> None:
    order = propose(folders.ana, WIKI, cascade="derived")
    assert rows(order) == {
        family["wiki"].name: ("erase", ""),
        family["tokens"].name: ("erase", ""),
        family["study"].name: ("owner_must_decide", "other_owner_must_decide"),
    }
    assert [(ask["name"], ask["agreed_by"]) for ask in order["asks"]] == [
        (STUDY, ""), (TOKENS, "ana"), (WIKI, "ana"),
    ]  # fmt: skip
    approve(folders.operator, order)
    act(order)
    done = get(folders.ana, f"erasures/{order['id']}")
    kept = receipts(done)["derived", family["study"].name, "catalog"]
    assert (kept["state"], kept["reason_code"]) == ("kept", "other_owner_must_decide")
    assert {key.split("/")[3] for key in keys("dir-eu")} == {"study", "secret"}
    assert "secret" not in str(done)


def test_a_hidden_derived_product_is_counted_and_its_owner_is_asked(
    folders: World, family: dict[str, Version]
) -> None:
    order = propose(folders.ana, family["wiki"].name, cascade="derived")
    assert "secret" not in str(order)
    assert order["plan"]["hidden"]["versions"] == 1
    seen = get(folders.carla, f"erasures/{order['id']}")
    assert set(rows(seen)) == {family["secret"].name, family["study"].name}
    assert {ask["name"] for ask in seen["asks"]} == {SECRET, STUDY}
    address = f"erasures/{order['id']}/agree"
    post(folders.ben, address, {"name": SECRET}, expect=404)
    post(folders.ana, address, {"name": STUDY}, expect=403)
    agreed = post(folders.carla, address, {"name": SECRET})
    assert rows(agreed)[family["secret"].name] == ("erase", "")
    approve(folders.operator, order)
    assert act(order) == "done"
    assert {key.split("/")[3] for key in keys("dir-eu")} == {"study"}
    assert "secret" not in str(get(folders.ana, f"erasures/{order['id']}"))


def test_who_owns_a_derived_product_alone_is_not_told_of_a_hidden_source(folders: World) -> None:
    hidden = "/acme/nlp/~/zanzibar"
    folders.add_product(hidden, visibility="team")
    source = folders.publish(hidden, FILES, store="dir-eu")
    made = folders.publish(PATIENTS, FILES, store="dir-eu")
    record(_derives(source.name, made.name))
    order = propose(folders.ana, source.name, cascade="derived")
    seen = folders.carla.client().get(f"/api/v1/erasures/{order['id']}")
    assert seen.status_code == 200
    assert "zanzibar" not in seen.content.decode()
    assert (seen.json()["name"], seen.json()["reason"]) == ("", "")
    assert list(rows(seen.json())) == [made.name]
    listed = folders.carla.client().get("/api/v1/erasures")
    assert "zanzibar" not in listed.content.decode()
    assert len(listed.json()["results"]) == 1
    named = folders.carla.client().get("/api/v1/erasures", {"name": source.name})
    assert named.json()["results"] == []


def _derives(source: str, target: str) -> dict[str, object]:
    def dataset(name: str) -> dict[str, object]:
        return {"namespace": "fairmesh://demo", "name": name, "facets": {}}

    return {
        "eventTime": "2026-01-01T00:00:00Z",
        "eventType": "COMPLETE",
        "run": {"runId": "0197a2b4-0000-7000-8000-000000000001", "facets": {}},
        "job": {"namespace": "airflow", "name": "daily", "facets": {}},
        "inputs": [dataset(source)],
        "outputs": [dataset(target)],
    }


def test_a_product_that_never_told_which_version_it_read_is_told_of(folders: World) -> None:
    wiki = folders.publish(WIKI, FILES, store="dir-eu")
    folders.add_product(STUDY)
    record(_derives(WIKI, STUDY))
    order = propose(folders.ana, wiki.name, cascade="derived")
    assert [row["product"] for row in order["plan"]["uncertain"]] == [STUDY]


def test_the_one_who_proposes_does_not_approve(folders: World) -> None:
    version = folders.publish(WIKI, FILES, store="dir-eu")
    order = propose(folders.ana, version.name)
    told = approve(folders.ana, order, expect=409)
    assert "second person" in told["detail"]
    approve(folders.ben, order, expect=404)
    assert act(order) is None
    assert approve(folders.operator, order)["state"] == "approved"
    approve(folders.operator, order, expect=409)


def test_what_changed_since_it_was_read_is_not_approved(folders: World) -> None:
    folders.publish(WIKI, FILES, store="dir-eu")
    order = propose(folders.ana, WIKI)
    folders.publish(WIKI, {"a.csv": b"x\n2\n"}, store="dir-eu")
    told = approve(folders.operator, order, expect=409)
    again = get(folders.operator, f"erasures/{order['id']}")
    assert (again["state"], again["plan_digest"]) == ("proposed", told["plan"])
    assert len(again["plan"]["versions"]) == 2
    address = f"erasures/{order['id']}/approve"
    post(folders.operator, address, {"plan": order["plan_digest"]}, expect=409)
    post(folders.operator, address, {"plan": told["plan"]})
    later = folders.publish(WIKI, {"a.csv": b"x\n3\n"}, store="dir-eu")
    assert act(order) == "done"
    assert Version.objects.get(pk=later.pk).state == VersionState.PUBLISHED
    kept = ErasureReceipt.objects.get(order=order["id"], name=later.name)
    assert (kept.state, kept.reason_code) == ("kept", "not_approved")


def test_it_is_called_off_while_it_has_not_begun(folders: World) -> None:
    version = folders.publish(WIKI, FILES, store="dir-eu")
    order = propose(folders.ana, version.name)
    post(folders.ana, "erasures", {"name": version.name, **WHY}, expect=409)
    approve(folders.operator, order)
    ended = post(folders.ana, f"erasures/{order['id']}/cancel", {"reason": "A mistake."})
    assert (ended["state"], ended["why"]) == ("cancelled", "A mistake.")
    assert act(order) is None
    assert keys("dir-eu") == ["acme/nlp/~/wiki/v=1/a.csv"]
    propose(folders.ana, version.name)


def test_rights_that_are_lost_before_it_begins_keep_the_version(folders: World) -> None:
    version = folders.publish(WIKI, FILES, store="dir-eu")
    order = propose(folders.ana, version.name)
    approve(folders.operator, order)
    for person in (folders.ana, folders.operator):
        person.user.is_active = False
        person.user.save()
    assert act(order) == "done"
    kept = ErasureReceipt.objects.get(order=order["id"])
    assert (kept.state, kept.reason_code) == ("kept", "no_longer_allowed")
    assert keys("dir-eu") == ["acme/nlp/~/wiki/v=1/a.csv"]


def test_a_minimum_retention_blocks(folders: World) -> None:
    folders.add_protection("keep", "{retention_days: 30}")
    version = folders.publish(WIKI, FILES, store="dir-eu")
    order = propose(folders.ana, version.name)
    assert order["plan"]["versions"][0]["reason_code"] == "retention_minimum"
    told = approve(folders.operator, order, expect=409)
    assert "must be kept until" in told["detail"]
    assert act(order) is None
    assert Replica.objects.get().state == ReplicaState.COMPLETE


def test_a_domain_reaches_what_lies_below_and_asks_who_owns_it(folders: World) -> None:
    wiki = folders.publish(WIKI, FILES, store="dir-eu")
    patients = folders.publish(PATIENTS, FILES, store="dir-eu")
    order = propose(folders.ana, "/acme")
    assert rows(order)[wiki.name] == ("erase", "")
    assert rows(order)[patients.name][0] == "owner_must_decide"
    post(folders.ana, "erasures", {"name": "/acme/health", **WHY}, expect=403)
    post(folders.ana, "erasures", {"name": f"{wiki.name}/a.csv", **WHY}, expect=422)
    post(folders.ana, "erasures", {"name": "/acme/nlp/~/none", **WHY}, expect=404)
    post(folders.ben, "erasures", {"name": wiki.name, **WHY}, expect=403)
