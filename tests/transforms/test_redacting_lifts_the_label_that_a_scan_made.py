"""From a label by a scan, over a run that redacts, to a result that a scan finds nothing in."""

from __future__ import annotations

from tests.governance.scanning import labels, result_of, work
from tests.transforms.mesh import CODE, TOKENS, Mesh, lines
from transforms.models import RunState

ROWS = [
    {"id": number, "text": f"Write to person{number}@example.com, she answers soon."}
    for number in range(40)
]
EMAIL = ("text", "pii:email")


def _run(mesh: Mesh, **redact: object) -> None:
    steps = [
        {"filter": {"where": [{"column": "text", "min_chars": 3}]}},
        {"redact": {"column": "text", **redact}},
        {"dedup_lines": {"column": "text"}},
    ]
    run = mesh.run(steps)
    assert run.state == RunState.DONE, run.reason


def test_a_redacted_column_loses_its_label_once_it_is_scanned(mesh: Mesh) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    work()
    assert EMAIL in labels(CODE)
    _run(mesh)
    work()
    assert labels(TOKENS) == set()
    assert result_of(TOKENS)["complete"]


def test_a_hash_can_be_guessed_and_keeps_the_label(mesh: Mesh) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    work()
    _run(mesh, replace="hash")
    work()
    assert labels(TOKENS) == {EMAIL}


def test_what_was_not_looked_for_keeps_its_label(mesh: Mesh) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    work()
    _run(mesh, kinds=["card"])
    work()
    assert labels(TOKENS) == {EMAIL}
