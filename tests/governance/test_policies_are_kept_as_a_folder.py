from __future__ import annotations

from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from fairmesh.errors import UsageError
from fairmesh.policy_folder import read_folder, write_folder
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidSpec
from core.yaml_text import read_yaml, write_yaml
from governance.engine.policy_folder import Entry, entries_of, files_of
from governance.models import Policy
from governance.services import save_policy
from governance.services.policy_folder import export_policies, import_policies
from tests.builders import World

CEDAR = '@id("readers")\npermit (principal, action == Action::"read", resource is Product);\n'
TESTS = [
    {
        "principal": {"id": "ben", "groups": ["members"]}, "action": "read",
        "resource": {"name": "/acme/nlp/~/wiki"}, "expect": "allow",
        "situation": {"jurisdictions": ["NO", "1e3"], "purpose": ""},
    }
]  # fmt: skip
SURPRISING = st.sampled_from(["NO", "on", "010", "1e3", "~", "2026-11-25", "a: b", "\x85", "ü"])
PLAIN = st.characters(exclude_categories=["Cs", "Cc"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(PLAIN, max_size=5) | SURPRISING,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(PLAIN, max_size=3) | SURPRISING, inner, max_size=3)
    ),
    max_leaves=6,
)


@given(JSON)
def test_what_is_written_as_yaml_is_read_as_the_same(value: Any) -> None:
    assert read_yaml(write_yaml(value)) == value


@given(st.lists(JSON.map(lambda value: {"given": value}), min_size=1, max_size=3))
def test_a_folder_holds_what_it_was_made_of(tests: list[dict[str, Any]]) -> None:
    entries = [Entry("access", "a", "text", tests), Entry("naming", "b", "text\n", [])]
    assert entries_of(files_of(entries)) == entries


@pytest.fixture
def filled(world: World) -> World:
    """Policies of each kind in force."""
    who = world.operator.principal
    save_policy(who, kind="access", slug="readers", text=CEDAR, tests=TESTS)
    world.add_protection("two-copies", "{copies: 2}")
    save_policy(who, kind="naming", text="kind: naming\nid: names\nspec: {reserved: [tmp]}")
    save_policy(who, kind="services", text="kind: services\nid: on\nspec: {on: {publish: [scan]}}")
    return world


def test_a_second_export_is_the_first_and_importing_it_changes_nothing(filled: World) -> None:
    who = filled.operator.principal
    files = export_policies(who)
    assert list(files) == [
        "access/readers.cedar", "access/readers.tests.yaml", "naming/names.yaml",
        "protection/two-copies.yaml", "services/on.yaml",
    ]  # fmt: skip
    before = list(Policy.objects.order_by("id").values())
    done = import_policies(who, files, prune=True)
    assert {line.outcome for line in done} == {"unchanged"}
    assert list(Policy.objects.order_by("id").values()) == before
    assert export_policies(who) == files


def changed(filled: World) -> dict[str, str]:
    files = export_policies(filled.operator.principal)
    files["protection/two-copies.yaml"] = files["protection/two-copies.yaml"].replace("2}", "3}")
    files["protection/new.yaml"] = "kind: protection\nid: new\nspec: {retention_days: 9}\n"
    del files["naming/names.yaml"]
    return files


def test_a_plan_is_told_before_anything_is_done(filled: World) -> None:
    files, client = changed(filled), filled.operator.client()
    body = {"files": files, "prune": True, "dry_run": True}
    before = list(Policy.objects.order_by("id").values())
    answer = client.post("/api/v1/policies/folder", body, "application/json").json()
    plan = {row["slug"]: (row["change"], row["outcome"]) for row in answer["plan"]}
    assert plan == {
        "names": ("removed", "planned"), "two-copies": ("changed", "planned"),
        "new": ("new", "planned"), "readers": ("unchanged", "unchanged"),
        "on": ("unchanged", "unchanged"),
    }  # fmt: skip
    assert list(Policy.objects.order_by("id").values()) == before
    answer = client.post(
        "/api/v1/policies/folder", {**body, "dry_run": False}, "application/json"
    ).json()
    outcomes = {row["slug"]: row["outcome"] for row in answer["plan"]}
    assert (outcomes["names"], outcomes["new"]) == ("retired", "active")
    assert client.get("/api/v1/policies/folder").json()["files"] == files


def test_what_the_folder_lacks_is_kept_unless_pruned(filled: World) -> None:
    done = import_policies(filled.operator.principal, changed(filled))
    assert {line.outcome for line in done if line.step.slug == "names"} == {"kept"}
    assert Policy.objects.filter(slug="names", state="active").exists()


def test_one_bad_document_refuses_the_whole_folder(filled: World) -> None:
    files = changed(filled) | {"protection/zero.yaml": "kind: protection\nid: zero\nspec: {}"}
    before = list(Policy.objects.order_by("id").values())
    for dry_run in (True, False):
        with pytest.raises(InvalidSpec) as refused:
            import_policies(filled.operator.principal, files, dry_run=dry_run)
        assert refused.value.extra["errors"]
    assert list(Policy.objects.order_by("id").values()) == before


@pytest.mark.parametrize(
    ("path", "text"),
    [("notes.txt", "x"), ("access/x.tests.yaml", "[]"), ("protection/Odd.yaml", "x"),
     ("../protection/x.yaml", "x"), ("access/x.cedar/y.yaml", "x"),
     ("protection/x.yaml", "kind: protection\nid: y\nspec: {copies: 2}")],
)  # fmt: skip
def test_a_file_that_is_no_policy_is_named(world: World, path: str, text: str) -> None:
    with pytest.raises(InvalidSpec, match=path):
        import_policies(world.operator.principal, {path: text})


def test_importing_makes_drafts_where_policies_are_reviewed(filled: World, settings: Any) -> None:
    settings.FAIRMESH = replace(settings.FAIRMESH, policy_review=True)
    files = changed(filled)
    for _ in range(2):  # a second time there is nothing new to draft
        done = import_policies(filled.operator.principal, files, prune=True)
        outcomes = {line.step.slug: line.outcome for line in done}
        assert outcomes["two-copies"] == outcomes["new"] == "drafted"
        assert outcomes["names"] == "retirement asked"
    assert Policy.objects.filter(state="validated").count() == 2


def test_nobody_imports_beyond_what_they_administer(filled: World) -> None:
    answer = filled.ben.client().post(
        "/api/v1/policies/folder", {"files": changed(filled)}, "application/json"
    )
    assert answer.status_code == 403


def test_the_command_writes_and_reads_a_folder(filled: World, tmp_path: Path) -> None:
    folder, again = tmp_path / "one", tmp_path / "two"
    (folder / "protection").mkdir(parents=True)
    (folder / "protection" / "old.yaml").write_text("x")
    (folder / "README.md").write_text("ours")
    for each in (folder, again):
        call_command("policies", "export", str(each), stdout=StringIO())
    assert read_folder(folder) == read_folder(again) == export_policies(filled.operator.principal)
    assert (folder / "README.md").exists()
    (folder / "services" / "on.yaml").unlink()
    told = StringIO()
    call_command("policies", "import", str(folder), "--dry-run", "--prune", stdout=told)
    assert "removed" in told.getvalue()
    assert Policy.objects.filter(slug="on", state="active").exists()
    call_command("policies", "import", str(folder), "--prune", "--as", "operator", stdout=told)
    assert not Policy.objects.filter(slug="on", state="active").exists()
    (folder / "naming" / "names.yaml").write_text("kind: naming\nid: names\nspec: {odd: 1}")
    with pytest.raises(CommandError, match="odd"):
        call_command("policies", "import", str(folder), stdout=told)


def test_the_client_keeps_to_the_folder_that_it_was_given(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    write_folder(folder, {"access/a.cedar": "x\r\n", "naming/b.yaml": "y"})
    assert read_folder(folder) == {"access/a.cedar": "x\r\n", "naming/b.yaml": "y"}
    assert write_folder(folder, {"naming/b.yaml": "z"}) == ["access/a.cedar"]
    for path in ("../x.yaml", "naming/../../x.yaml", "/etc/x.yaml", "other/x.yaml", "naming/x.sh"):
        with pytest.raises(UsageError):
            write_folder(folder, {path: "x"})
    with pytest.raises(UsageError):
        read_folder(tmp_path / "none")
