"""`fairmesh audit` reads, exports, proves and verifies the log of a real server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache

from governance import audit, audit_reading
from governance.engine.entities import Decision, Principal
from governance.models import AuditCheckpoint, AuditEntry, AuditTile, AuditTree
from governance.services import sequence
from tests.builders import Person, World, build_world

Run = Callable[..., Any]


@pytest.fixture
def world(transactional_db: None, settings: Any, tmp_path: Path) -> World:
    cache.clear()
    world = build_world(settings, tmp_path / "home")
    sequence()
    return world


@pytest.fixture
def as_(run: Run, live_server: Any, world: World) -> Callable[[Person], Run]:
    """Return a function that gives the command as one of the people runs it."""

    def command_of(who: Person) -> Run:
        def command(*arguments: str) -> Any:
            return run(*arguments, FAIRMESH_URL=live_server.url, FAIRMESH_TOKEN=who.token)

        return command

    return command_of


def act() -> None:
    audit.record(Principal("ben"), "do", "/acme", Decision(True, (), "", ""))
    sequence()


def test_an_operator_verifies_the_server_again_and_again(
    world: World, as_: Callable[[Person], Run]
) -> None:
    verify = as_(world.operator)
    first = verify("audit", "verify", "--json")
    assert (first.code, first.json["ok"], first.json["since"]) == (0, True, None)
    act()
    second = verify("audit", "verify", "--json").json
    assert second["since"] == first.json["size"] < second["size"]
    assert second["clear"] >= 5
    said = verify("audit", "verify")
    assert said.code == 0
    assert f"begins with the {second['size']} known before" in said.out


def rewrite(kept: int = 10**6) -> None:
    """Change the past and sign it anew."""
    for table in (AuditCheckpoint, AuditTile, AuditTree):
        table._default_manager.all().delete()
    AuditEntry.objects.filter(position__gte=kept).delete()
    AuditEntry.objects.update(position=None)
    row = AuditEntry.objects.earliest("id")
    row.action = "nothing"
    row.leaf = audit_reading.leaf_of(row)
    row.save()
    sequence()


@pytest.mark.parametrize(("kept", "reason"), [(10**6, "rewritten"), (5, "cut")])
def test_a_rewritten_history_is_found_by_who_was_there_before(
    world: World, as_: Callable[[Person], Run], kept: int, reason: str
) -> None:
    verify = as_(world.operator)
    assert verify("audit", "verify").code == 0
    rewrite(kept)
    found = verify("audit", "verify", "--json")
    assert (found.code, found.json["error"]["exit"]) == (4, 4)
    assert [problem["reason"] for problem in found.json["error"]["problems"]] == [reason]
    assert verify("audit", "verify").code == 4, "what is remembered stays"


@pytest.mark.parametrize("kept", [10**6, 5])
def test_a_member_verifies_by_proof_that_the_log_only_grew(
    world: World, as_: Callable[[Person], Run], kept: int
) -> None:
    verify = as_(world.ben)
    assert verify("audit", "verify", "--json").json["ok"]
    act()
    second = verify("audit", "verify", "--json")
    assert second.json["since"] < second.json["size"]
    rewrite(kept)
    act()
    assert verify("audit", "verify").code == 4


def test_an_altered_entry_is_named(world: World, as_: Callable[[Person], Run]) -> None:
    AuditEntry.objects.filter(position=3).update(action="nothing")
    found = as_(world.operator)("audit", "verify")
    assert found.code == 4
    assert "entry 3" in found.err


def test_an_export_is_verified_off_line(
    world: World, as_: Callable[[Person], Run], run: Run, tmp_path: Path, live_server: Any
) -> None:
    operator = as_(world.operator)
    export, trust = tmp_path / "log.jsonl", tmp_path / "trust.json"
    assert operator("audit", "export", "-o", str(export)).code == 0
    trust.write_text(world.ben.client().get("/.well-known/fairmesh/trust.json").content.decode())
    away = {"FAIRMESH_URL": "http://127.0.0.1:9", "FAIRMESH_TOKEN": ""}
    verify = ("audit", "verify", str(export), "--anchor", str(trust))
    assert run(*verify, "--json", **away).json["ok"]

    earlier = tmp_path / "checkpoint"
    earlier.write_text(audit_reading.latest_checkpoint().note)
    assert run(*verify, "--checkpoint", str(earlier), **away).code == 0
    text = export.read_text()
    export.write_text(text.replace('"action":"create-user"', '"action":"create-team"', 1))
    assert run(*verify, **away).code == 4
    export.write_text("not an export\n")
    assert run(*verify, **away).code == 2
    assert as_(world.ben)("audit", "export", "-o", str(export)).code == 3


def test_an_entry_is_read_and_proved(world: World, as_: Callable[[Person], Run]) -> None:
    act()
    ben = as_(world.ben)
    listed = ben("audit", "--action", "do", "--json").json
    assert [row["principal"] for row in listed] == ["ben"]
    proved = ben("audit", "proof", str(listed[0]["id"]), "--json")
    assert proved.json["verified"]
    assert proved.json["entry"]["action"] == "do"
    assert "ben do /acme" in ben("audit", "proof", str(listed[0]["id"])).out
    other = AuditEntry.objects.by("ana").first() or AuditEntry.objects.by("operator").first()
    assert other is not None
    assert ben("audit", "proof", str(other.pk)).code == 6
    assert ben("audit").code == 0


def test_the_page_of_the_format_says_what_is_true(run: Run, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "audit.md").read_text()
    export = tmp_path / "example.jsonl"
    export.write_text(page.partition("```jsonl export\n")[2].partition("```")[0])
    anchor = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
    found = run("audit", "verify", str(export), "--anchor", anchor, "--json").json
    assert (found["ok"], found["size"], found["clear"]) == (True, 1, 1)
    assert f"the leaf hash is `{found['root']}`" in page
    note = json.loads(export.read_text().splitlines()[-1])["checkpoint"]
    assert page.count(f"```\n{note}```") == 2
