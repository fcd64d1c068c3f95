"""Whoever can write to the database can change it, but not without being found out.

The client verifies the platform's own export, with nothing but the anchor and its memory.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from fairmesh.audit import LogReport, verify_log
from fairmesh.errors import VerificationFailed
from fairmesh.seal import Anchor
from fairmesh.tree import Checkpoint

from core.seal import Signer
from governance import audit, audit_reading
from governance.audit_reading import export_lines
from governance.engine.entities import Decision, Principal
from governance.models import AuditCheckpoint, AuditEntry, AuditTile, AuditTree, ClearText
from governance.services import anchor_key, sequence
from tests.kept import Kept

ALLOWED = Decision(True, ("a", "b"), "", "sha256:" + "1" * 64)
WRONG = 137
"""The position at which the log is tampered with."""

pytestmark = pytest.mark.django_db


def write_log(home: Path) -> None:
    """300 entries, of people and of an agent, so that the tree has more than one tile."""
    for number in range(300):
        who = (
            Principal("agent-7", on_behalf_of=Principal("ana")) if number % 2 else Principal("ben")
        )
        audit.record(who, "grant", f"/acme/~/p{number}", ALLOWED, to="carla", purpose="any")
    sequence()


KEPT = Kept(write_log)


@pytest.fixture(autouse=True)
def log(tmp_path: Path) -> None:
    KEPT.put(tmp_path)


@pytest.fixture
def verified(tmp_path: Path) -> Callable[..., LogReport]:
    """Return a function that exports the log as it is now and verifies it."""

    def verify(remembered: Checkpoint | None = None, **options: Any) -> LogReport:
        path = tmp_path / "export.jsonl"
        path.write_bytes(b"".join(export_lines(audit_reading.latest_checkpoint())))
        return verify_log(path, Anchor(anchor_key().public), remembered, **options)

    return verify


def remembered() -> Checkpoint:
    return Checkpoint.read(audit_reading.latest_checkpoint().note, Anchor(anchor_key().public))


def test_what_was_not_touched_verifies(verified: Callable[..., LogReport]) -> None:
    report = verified(remembered(), latest=True)
    assert report.require().size == report.since == 300
    assert report.clear == ClearText.objects.count() == 4
    assert report.root == audit_reading.root_at(300).hex()


CHANGES: dict[str, Callable[[AuditEntry], Any]] = {
    "at": lambda row: row.at + timedelta(microseconds=1),
    "principal": lambda row: AuditEntry.objects.exclude(principal=row.principal)[0].principal,
    "on_behalf_of": lambda row: "",
    "action": lambda row: "revoke",
    "name": lambda row: row.name + "x",
    "allowed": lambda row: False,
    "policies": lambda row: row.policies[::-1],
    "policy_set": lambda row: "sha256:" + "2" * 64,
    "detail": lambda row: {**row.detail, "purpose": "analytics"},
    "leaf": lambda row: "0" * 64,
}


def test_every_field_is_tried() -> None:
    fields = {field.name for field in AuditEntry._meta.fields}
    assert set(CHANGES) == fields - {"id", "position"}


@pytest.mark.parametrize("field", CHANGES)
def test_a_change_of_any_field_is_found_and_named(
    field: str, verified: Callable[..., LogReport]
) -> None:
    row = AuditEntry.objects.get(position=WRONG)
    changed = CHANGES[field](row)
    assert changed != getattr(row, field)
    AuditEntry.objects.filter(pk=row.pk).update(**{field: changed})
    report = verified()
    assert [p.path for p in report.problems if p.reason == "altered"] == [f"entry {WRONG}"]
    with pytest.raises(VerificationFailed):
        report.require()


def test_a_changed_entry_with_a_leaf_to_match_is_found(verified: Callable[..., LogReport]) -> None:
    row = AuditEntry.objects.get(position=WRONG)
    row.allowed = False
    row.leaf = audit_reading.leaf_of(row)
    row.save()
    assert {problem.reason for problem in verified().problems} == {"altered", "root"}


def test_two_that_change_places_are_found(verified: Callable[..., LogReport]) -> None:
    one, two = (AuditEntry.objects.get(position=at).pk for at in (3, 4))
    for pk, position in ((one, None), (two, 3), (one, 4)):
        AuditEntry.objects.filter(pk=pk).update(position=position)
    problems = verified().problems
    assert [p.path for p in problems if p.reason == "altered"] == ["entry 3", "entry 4"]


def test_one_that_is_taken_out_is_found(verified: Callable[..., LogReport]) -> None:
    AuditEntry.objects.filter(position=WRONG).delete()
    assert f"entry {WRONG}" in [problem.path for problem in verified().problems]


@pytest.mark.parametrize(
    "change", [{"value": "dora"}, {"salt": "0" * 32}, {"commitment": "0" * 64}]
)
def test_a_name_that_was_not_committed_to_is_found(
    change: dict[str, str], verified: Callable[..., LogReport]
) -> None:
    ClearText.objects.filter(value="carla").update(**change)
    assert [problem.reason for problem in verified().problems] == ["commitment"]


def test_a_tree_that_was_tampered_with_is_found(verified: Callable[..., LogReport]) -> None:
    tile = AuditTile.objects.get(level=0, number=0)
    tile.hashes = bytes(32) + bytes(tile.hashes)[32:]
    tile.save()
    assert {problem.reason for problem in verified().problems} == {"altered", "tile"}


def rebuild(size: int) -> None:
    """Forget the tree and sign one over the first entries anew: what only the mesh itself can."""
    AuditCheckpoint.objects.all().delete()
    AuditTile.objects.all().delete()
    AuditTree.objects.all().delete()
    AuditEntry.objects.filter(position__gte=size).delete()
    AuditEntry.objects.update(position=None)
    for row in AuditEntry.objects.all():
        row.leaf = audit_reading.leaf_of(row)
        row.save()
    sequence()


def test_a_history_that_was_rewritten_and_signed_anew_is_found_by_who_remembers(
    verified: Callable[..., LogReport],
) -> None:
    known = remembered()
    AuditEntry.objects.filter(position=WRONG).update(allowed=False)
    rebuild(300)
    audit.record(Principal("ben"), "more", "/acme", ALLOWED)
    sequence()
    assert verified().ok, "by itself it looks whole"
    assert [problem.reason for problem in verified(known).problems] == ["rewritten"]


def test_a_history_that_was_cut_is_found_by_who_remembers(
    verified: Callable[..., LogReport],
) -> None:
    known = remembered()
    rebuild(200)
    assert verified().ok
    assert [problem.reason for problem in verified(known, latest=True).problems] == ["cut"]


def test_a_log_that_only_grew_is_no_problem(verified: Callable[..., LogReport]) -> None:
    known = remembered()
    for _ in range(5):
        audit.record(Principal("ben"), "more", "/acme", ALLOWED)
    sequence()
    report = verified(known, latest=True).require()
    assert (report.since, report.size) == (300, 305)


def lines_of(report: LogReport) -> list[bytes]:
    return Path(report.source).read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize("kept", [2, 150, 301, 303, -1])
def test_a_file_that_was_cut_off_is_found(kept: int, verified: Callable[..., LogReport]) -> None:
    report = verified()
    path = Path(report.source)
    path.write_bytes(b"".join(lines_of(report)[:kept]))
    assert not verify_log(path, Anchor(anchor_key().public)).ok
    path.write_bytes(b"".join(lines_of(report)[:kept])[:-5])
    assert not verify_log(path, Anchor(anchor_key().public)).ok


def test_a_checkpoint_of_another_key_or_another_size_is_found(
    verified: Callable[..., LogReport],
) -> None:
    report = verified()
    path, lines = Path(report.source), lines_of(report)
    assert not verify_log(path, Anchor(Signer.generate().public)).ok
    note = json.loads(lines[-1])["checkpoint"]
    signature = note.split(" ")[-1].strip()
    raw = bytearray(base64.b64decode(signature))
    raw[10] ^= 1
    for wrong in (
        note.replace("\n300\n", "\n299\n"),
        note.replace("fairmesh/demo", "fairmesh/other"),
        note.replace(signature, base64.b64encode(raw).decode()),
        "",
    ):
        assert wrong != note
        path.write_bytes(b"".join([*lines[:-1], json.dumps({"checkpoint": wrong}).encode()]))
        assert [p.reason for p in verify_log(path, Anchor(anchor_key().public)).problems] == [
            "checkpoint"
        ]


def test_what_was_changed_before_it_was_hashed_is_found(
    verified: Callable[..., LogReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    audit.record(Principal("ben"), "more", "/acme", ALLOWED)
    AuditEntry.objects.filter(position=None).update(allowed=False)
    sequence()
    assert [p.path for p in verified().problems if p.reason == "altered"] == ["entry 300"]


def test_the_columns_hold_what_was_hashed_on_either_database() -> None:
    """What a database gives back is what went in: else a good entry would look altered."""
    detail = {"n": 2**53 - 1, "f": 0.5, "e": 1e-7, "t": 'ä\u2028\U0001f600"\\\n', "l": [], "o": {}}
    audit.record(Principal("ben"), "odd", "/acme", ALLOWED, more=[None, True, detail])
    row = AuditEntry.objects.latest("id")
    assert audit_reading.leaf_of(row) == row.leaf, connection.vendor
