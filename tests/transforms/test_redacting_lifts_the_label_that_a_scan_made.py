"""From a label by a scan, over a run that redacts, to a result that a scan finds nothing in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from tests.governance.scanning import labels, result_of, work
from tests.transforms.mesh import CODE, TOKENS, Mesh, drive, lines
from transforms import services
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


def _run_into(mesh: Mesh, format: str, steps: Sequence[Mapping[str, object]]) -> None:
    spec = {
        "version": 1,
        "inputs": [{"name": CODE}],
        "steps": steps,
        "output": {"name": TOKENS, "format": format},
    }
    run = drive(mesh.start(services.save_pipeline(mesh.ana, name=format, spec=spec)))
    assert run.state == RunState.DONE, run.reason


@pytest.mark.usefixtures("installed_tokenizer")
def test_rows_that_no_scan_can_read_keep_their_label(mesh: Mesh) -> None:
    """What an earlier version is free of says nothing about a later one in another format."""
    mesh.publish({"a.jsonl": lines(ROWS)})
    work()
    _run(mesh)
    work()
    assert labels(TOKENS) == set()
    ids = {"tokenise": {"column": "text", "tokenizer": "anthropic"}}
    _run_into(mesh, "megatron", [{"redact": {"column": "text"}}, ids])
    work()
    assert {label for _, label in labels(TOKENS)} == {"pii:email"}
    told = result_of(TOKENS)
    skipped = {each["path"]: each["reason"] for each in told["files"]["skipped"]}
    assert set(skipped) == {"part-00000.bin", "part-00000.idx"}
    assert "numbers, and not text" in skipped["part-00000.idx"]
    assert not told["complete"]


def test_rows_of_lance_lose_their_label_once_they_are_scanned(mesh: Mesh) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    work()
    _run_into(mesh, "lance", [{"redact": {"column": "text"}}])
    work()
    assert labels(TOKENS) == set()
    assert result_of(TOKENS)["complete"]
    _run_into(mesh, "lance", [{"select": {"columns": ["text"]}}])
    work()
    assert labels(TOKENS) == {EMAIL}
