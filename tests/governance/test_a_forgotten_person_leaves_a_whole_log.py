"""Who is erased is told of nowhere in the log, and the log verifies as before."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from fairmesh.audit import verify_log
from fairmesh.seal import Anchor
from fairmesh.tree import Checkpoint

from core.errors import Conflict, NotFound, PolicyDenied
from governance import audit_reading
from governance.audit_reading import export_lines
from governance.engine.entities import Action
from governance.models import AuditEntry, ClearText, User
from governance.selectors import last_read
from governance.services import anchor_key, erase_person, record_read, sequence
from tests.builders import World
from tests.governance.conftest import OPEN, WIKI

PASSWORD = "correct horse battery"
ADDRESS = "203.0.113.9"


def log_in(username: str, password: str) -> int:
    body = {"username": username, "password": password}
    answer = Client(REMOTE_ADDR=ADDRESS).post("/api/v1/session", body, "application/json")
    return answer.status_code


@pytest.fixture
def lived_in(world: World) -> World:
    """Ben signs in, mistypes, asks, is granted, is denied, and reads."""
    log_in("ben", PASSWORD)
    log_in("ben", "wrong")
    world.grant(world.ben, WIKI)
    world.ben.client().get("/api/v1/products?name=/acme")
    world.ben.client().post("/api/v1/labels", {"name": OPEN, "label": "a:b"}, "application/json")
    record_read(world.ben.principal, Action.READ, WIKI)
    sequence()
    return world


def logged() -> str:
    """Return the log as it stands, without the clear texts."""
    return b"".join(audit_reading.leaf_lines(0, audit_reading.latest_checkpoint().size)).decode()


def test_no_entry_holds_the_name_or_the_address_of_a_person(lived_in: World) -> None:
    text = logged()
    for word in ("ben", "ana", "carla", ADDRESS, "operator"):
        assert f'"{word}"' not in text.replace('"operator":', ""), word
    assert '"service.founder"' in text, "the platform's own services stand in clear"
    tried = {entry["action"] for entry in map(json.loads, text.replace("}{", "}\n{").splitlines())}
    assert {"sign-in", "create-user", "create-team", "request-access", "grant", "write"} <= tried


def read_as(world: World, **query: str) -> list[dict[str, Any]]:
    answer = world.operator.client().get("/api/v1/audit", {"page_size": "200", **query})
    return list(answer.json()["results"])


def test_the_clear_names_are_shown_until_they_are_erased(lived_in: World) -> None:
    before = read_as(lived_in)
    assert {row["principal"] for row in before} >= {"ben", "ana", "service.founder"}
    grant = next(row for row in before if row["action"] == "grant")
    assert (grant["principal"], grant["detail"]["to"]) == ("ana", "ben")
    signed_in = [row for row in before if row["action"] == "sign-in"]
    assert {(row["principal"], row["name"]) for row in signed_in} == {("ben", ADDRESS)}
    assert len(read_as(lived_in, principal="ben")) >= 5

    erase_person(lived_in.operator.principal, "ben")
    after = {row["id"]: row for row in read_as(lived_in)}
    assert "ben" not in json.dumps(after)
    assert ADDRESS not in json.dumps(after)
    assert after[grant["id"]] == {
        **grant,
        "detail": {**grant["detail"], "to": "erased"},
    }
    assert after[signed_in[0]["id"]]["principal"] == "erased"
    assert read_as(lived_in, principal="ben") == []
    assert read_as(lived_in, principal="ana") != []


def test_the_log_verifies_after_the_erasure_with_all_it_had(
    lived_in: World, tmp_path: Path
) -> None:
    anchor = Anchor(anchor_key().public)
    known = Checkpoint.read(audit_reading.latest_checkpoint().note)
    opened = ClearText.objects.count()
    gone = ClearText.objects.filter(of="ben").count()
    erase_person(lived_in.operator.principal, "ben")
    sequence()
    path = tmp_path / "export.jsonl"
    path.write_bytes(b"".join(export_lines(audit_reading.latest_checkpoint())))
    report = verify_log(path, anchor, known, latest=True).require()
    assert (report.since, report.clear) == (known.size, opened - gone)
    assert gone >= 2
    assert '"ben"' not in path.read_text()
    assert ADDRESS not in path.read_text()


def test_the_erasure_is_an_act_and_closes_the_account(lived_in: World) -> None:
    token = lived_in.ben.token
    alias = erase_person(lived_in.operator.principal, "ben")
    row = read_as(lived_in, action="erase-person")[0]
    assert (row["principal"], row["name"], row["allowed"]) == ("operator", alias, True)
    assert not User.objects.filter(username="ben").exists()
    closed = User.objects.get(username=alias)
    assert not closed.is_active
    assert not closed.has_usable_password()
    assert log_in("ben", PASSWORD) == log_in(alias, PASSWORD) == 401
    with_token = Client(headers={"Authorization": f"Bearer {token}"})
    assert with_token.get("/api/v1/products").status_code == 401
    assert last_read("ben", WIKI) is None
    counted = AuditEntry.objects.get(action="read", name=WIKI)
    assert counted.detail["reads"] == 1, "what was read stays in the log"


def test_only_an_operator_erases_and_nobody_themselves(lived_in: World) -> None:
    with pytest.raises(PolicyDenied):
        erase_person(lived_in.ana.principal, "ben")
    with pytest.raises(Conflict):
        erase_person(lived_in.operator.principal, "operator")
    with pytest.raises(NotFound):
        erase_person(lived_in.operator.principal, "nobody")
    assert lived_in.ana.client().post("/api/v1/users/ben/erase").status_code == 403
    assert lived_in.operator.client().post("/api/v1/users/ben/erase").status_code == 204
    assert not ClearText.objects.filter(of="ben").exists()


def test_a_name_that_only_tried_to_sign_in_is_erased_as_well(lived_in: World) -> None:
    log_in("hunter2", "x")
    assert read_as(lived_in, principal="hunter2") != []
    erase_person(lived_in.operator.principal, "hunter2")
    assert "hunter2" not in json.dumps(read_as(lived_in))


def test_a_commitment_is_the_hash_of_salt_and_value(lived_in: World) -> None:
    row = ClearText.objects.filter(value="ben").first()
    assert row is not None
    digest = hashlib.sha256(bytes.fromhex(row.salt) + b"ben").hexdigest()
    assert digest == row.commitment
    assert AuditEntry.objects.filter(principal=f"commitment:{digest}").exists()
    salts = ClearText.objects.values_list("salt", flat=True)
    assert len(set(salts)) == len(salts)
