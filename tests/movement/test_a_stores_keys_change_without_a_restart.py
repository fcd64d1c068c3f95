"""An operator gives a store new keys or another address, and whoever opens it next has them."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core import vault
from core.errors import StoreRefused
from governance.models import AuditEntry
from movement.models import Store
from movement.opening import open_store
from movement.services import change_store, check_stores, run_transfer, stores
from movement.services.transfers import request_transfer
from movement.stores.protocol import Capabilities
from movement.stores.s3 import S3Store
from tests.builders import World
from tests.movement.conftest import WIKI
from tests.servers import S3Server

NEW = {"access_key": "new-access-key", "secret_key": "new-secret-key"}


def patch(client: Client, store: str, body: dict[str, Any]) -> Any:
    return client.patch(f"/api/v1/stores/{store}", json.dumps(body), "application/json")


def acts() -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action="change-store"))


@pytest.fixture
def accepts_new(monkeypatch: pytest.MonkeyPatch, s3: S3Server) -> None:
    """Have the server know the new keys, which the real one has in its configuration alone."""
    real = S3Store.__init__

    def init(self: S3Store, *place: Any) -> None:
        endpoint, bucket, prefix, access_key, secret_key, *rest = place
        self.given = (access_key, secret_key)  # type: ignore[attr-defined]  # for these tests
        if self.given == tuple(NEW.values()):  # type: ignore[attr-defined]
            access_key, secret_key = s3.access_key, s3.secret_key
        real(self, endpoint, bucket, prefix, access_key, secret_key, *rest)

    monkeypatch.setattr(S3Store, "__init__", init)


@pytest.mark.servers
def test_new_keys_are_used_at_once_and_told_to_nobody(
    two_sites: World, accepts_new: None, caplog: pytest.LogCaptureFixture
) -> None:
    before = Store.objects.get(name="store-us")
    opened = open_store(before)
    with caplog.at_level(logging.DEBUG):
        answer = patch(two_sites.operator.client(), "store-us", NEW)
    assert answer.status_code == 200, answer.json()
    after = Store.objects.get(name="store-us")
    assert open_store(after) is not opened
    assert open_store(after).given == tuple(NEW.values())  # type: ignore[attr-defined]
    (act,) = acts()
    assert (act.allowed, act.detail["changed"]) == (True, ["access_key", "secret_key"])
    shown = f"{answer.content!r} {caplog.text} {act.detail} {vars(after)}"
    assert not any(key in shown for key in NEW.values())
    version = two_sites.publish(WIKI, {"a.csv": b"x\n1\n"}, store="store-eu")
    sent = request_transfer(two_sites.operator.principal, version=version.name, target="store-us")
    assert run_transfer(sent.pk) == "done"


@pytest.mark.servers
def test_whoever_holds_the_old_row_opens_anew_after_a_check(
    two_sites: World, accepts_new: None
) -> None:
    held = Store.objects.get(name="store-us")
    assert open_store(held).given != tuple(NEW.values())  # type: ignore[attr-defined]
    change_store(two_sites.operator.principal, "store-us", **NEW)
    assert stores.problem_of(held) is None
    assert open_store(held).given == tuple(NEW.values())  # type: ignore[attr-defined]


@pytest.mark.servers
def test_a_copy_whose_keys_ended_goes_on_with_the_new_ones(
    two_sites: World, accepts_new: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = two_sites.operator.principal
    version = two_sites.publish(WIKI, {"a.csv": b"x\n1\n"}, store="store-eu")
    sent = request_transfer(operator, version=version.name, target="store-us")

    def refused(source: object, target: S3Store, *_: object, **__: object) -> None:
        change_store(operator, "store-us", **NEW)
        raise StoreRefused("InvalidAccessKeyId", store=target.label)

    with monkeypatch.context() as patched:
        patched.setattr("movement.services.carry.copy_files", refused)
        assert run_transfer(sent.pk) == "waiting"
    sent.refresh_from_db()
    assert sent.reason_code == "store_changed"
    sent.next_attempt_at = timezone.now()
    sent.save()
    assert run_transfer(sent.pk) == "done"


@pytest.mark.servers
def test_keys_that_do_not_open_it_change_nothing(two_sites: World) -> None:
    before = Store.objects.get(name="store-us")
    answer = patch(two_sites.operator.client(), "store-us", {**NEW, "slots": 3})
    assert (answer.status_code, answer.json()["code"]) == (502, "store_refused")
    assert NEW["secret_key"] not in answer.content.decode()
    after = Store.objects.get(name="store-us")
    assert (after.credentials_sealed, after.slots) == (before.credentials_sealed, None)
    assert (after.updated_at, acts()) == (before.updated_at, [])


@pytest.mark.servers
def test_keys_of_another_secret_are_told_and_mended(two_sites: World, s3: S3Server) -> None:
    operator = two_sites.operator.principal
    version = two_sites.publish(WIKI, {"a.csv": b"x\n1\n"}, store="store-eu")
    sent = request_transfer(operator, version=version.name, target="store-us")
    boxed = vault.seal_secret(b'["key", "secret"]', secret="another", purpose="store credential")
    changed = {"credentials_sealed": boxed, "updated_at": timezone.now()}
    Store.objects.filter(name="store-us").update(**changed)
    Store.objects.filter(name="store-eu").update(reachable=False)
    (away,) = check_stores()
    assert (away.name, away.reachable) == ("store-us", False)
    assert "FAIRMESH_SECRET_KEY is not the one" in away.problem
    assert Store.objects.get(name="store-eu").reachable
    assert run_transfer(sent.pk) == "waiting"
    change_store(operator, "store-us", access_key=s3.access_key, secret_key=s3.secret_key)
    assert check_stores() == []
    sent.refresh_from_db()
    sent.next_attempt_at = timezone.now()
    sent.save()
    assert run_transfer(sent.pk) == "done"


@pytest.mark.servers
def test_an_address_with_other_objects_is_another_store(two_sites: World, s3: S3Server) -> None:
    two_sites.publish(WIKI, {"a.csv": b"x\n1\n"}, store="store-us")
    client, row = two_sites.operator.client(), Store.objects.get(name="store-us")
    same = s3.endpoint.replace("127.0.0.1", "localhost")
    assert patch(client, "store-us", {"endpoint": same}).status_code == 200
    open_store(row).delete("acme/nlp/~/wiki/v=1/a.csv")
    answer = patch(client, "store-us", {"endpoint": s3.endpoint})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert Store.objects.get(name="store-us").endpoint == same


def test_terms_are_changed_without_asking_the_store(folders: World, tmp_path: Any) -> None:
    terms = {"tier": "cold", "capacity_bytes": 10**15, "slots": 4, "cost_gb_month": "0.023000"}
    answer = patch(folders.operator.client(), "dir-us", terms)
    assert answer.status_code == 200
    assert {name: answer.json()[name] for name in terms} == terms
    (act,) = acts()
    assert act.detail == {**terms, "changed": sorted(terms)}
    again = patch(folders.operator.client(), "dir-us", {"capacity_bytes": None, "slots": None})
    assert (again.json()["capacity_bytes"], again.json()["tier"]) == (None, "cold")


def test_what_a_directory_cannot_take_is_refused(folders: World) -> None:
    client = folders.operator.client()
    for wrong in (
        {}, {"tier": "tepid"}, {"slots": 0}, {"capacity_bytes": -1}, {"cost_gb_month": "-1"},
        {"endpoint": "http://127.0.0.1:9"}, NEW, {"access_key": "alone"},
    ):  # fmt: skip
        assert patch(client, "dir-us", wrong).status_code == 422, wrong
    assert acts() == []


def test_only_operators_change_a_store(folders: World) -> None:
    for client, status in ((folders.ana.client(), 403), (Client(), 401)):
        assert patch(client, "dir-us", {"slots": 1}).status_code == status
        assert patch(client, "nowhere", {"slots": 1}).status_code == status
    assert patch(folders.operator.client(), "nowhere", {"slots": 1}).status_code == 404
    assert Store.objects.get(name="dir-us").slots is None


def test_two_changes_at_once_do_not_mix(folders: World, monkeypatch: pytest.MonkeyPatch) -> None:
    operator, real = folders.operator.principal, stores.note_probe
    web = folders.add_site("web", "core", ["DE"])
    Store.objects.create(name="web", site=web, kind="http", endpoint="http://127.0.0.1:9")

    def slow(*asked: Any) -> Any:
        change_store(operator, "web", slots=7)
        return real(*asked)

    monkeypatch.setattr("movement.services.store_changes.note_probe", slow)
    monkeypatch.setattr("movement.stores.http.HttpStore.probe", lambda *_: Capabilities(True, True))
    answer = patch(folders.operator.client(), "web", {"endpoint": "http://127.0.0.1:8"})
    assert answer.status_code == 409
    row = Store.objects.get(name="web")
    assert (row.slots, row.endpoint) == (7, "http://127.0.0.1:9")


def test_what_a_store_can_do_is_kept_and_shown(
    folders: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = folders.ben.client().get("/api/v1/stores").json()["results"]
    assert rows[0]["capabilities"] == {
        "multipart": True, "checksums": True, "presign": False, "server_side_copy": True,
        "object_lock": False, "conditional_put": True, "writable": True,
    }  # fmt: skip
    before = Store.objects.get(name="dir-eu")
    monkeypatch.setattr(
        "movement.stores.directory.DirectoryStore.probe",
        lambda self, known: Capabilities(True, True) if known else pytest.fail("asked closely"),
    )
    check_stores()
    row = Store.objects.get(name="dir-eu")
    assert (row.capabilities["writable"], row.updated_at) == (False, before.updated_at)
    down = Capabilities(False, False, problem="It is away.")
    monkeypatch.setattr("movement.stores.directory.DirectoryStore.probe", lambda *_: down)
    check_stores()
    row.refresh_from_db()
    assert (row.reachable, row.problem) == (False, "It is away.")
    assert row.capabilities["checksums"] is False
