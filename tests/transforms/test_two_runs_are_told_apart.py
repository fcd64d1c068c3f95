"""In what two runs differ: document, versions, input, rows by step, tokens, and each file."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import NotFound
from core.manifest import FileEntry
from governance.services import issue_token, revoke_grant
from tests.transforms.bench import Bench
from tests.transforms.mesh import CODE, Mesh, drive, lines
from transforms import services
from transforms.engine.run_diff import Change, Facts, compare_files, difference
from transforms.engine.spec import digest, made_with, read_spec
from transforms.models import Run, RunState

ROWS = [{"id": number, "text": "x" * (number % 10)} for number in range(100)]


def filtering(least: int) -> list[dict[str, Any]]:
    return [{"filter": {"where": [{"column": "text", "min_chars": least}]}}]


def document(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"version": 1, "steps": list(steps), "output": {"name": "/a/~/b", "key": None}}


def entry(path: str, sha256: str) -> FileEntry:
    return FileEntry(path, 1, sha256, "text/plain", 1, ())


SIDES = st.dictionaries(st.sampled_from("abcdefghié/z"), st.sampled_from(["1", "2"]))


@given(SIDES, SIDES)
def test_files_are_compared_as_two_tables_would_be(
    one: dict[str, str], other: dict[str, str]
) -> None:
    def entries(side: dict[str, str]) -> list[FileEntry]:
        return [entry(path, side[path]) for path in sorted(side, key=str.encode)]

    found = compare_files(entries(one), entries(other))
    both = one.keys() & other.keys()
    assert found.equal == sum(one[path] == other[path] for path in both)
    assert found.changed == len(both) - found.equal
    assert (found.added, found.removed) == (len(other.keys() - both), len(one.keys() - both))
    assert {change.where for change in found.sample} == {
        path for path in one.keys() | other.keys() if one.get(path) != other.get(path)
    }
    for change in found.sample:
        assert (change.before, change.after) == (one.get(change.where), other.get(change.where))
    assert found.all_equal == (one == other)


def test_a_step_more_does_not_make_the_others_different() -> None:
    one = document({"select": {"columns": ["text"]}}, {"sort": {"by": ["text"]}})
    other = document(
        {"select": {"columns": ["text"]}}, {"lower": {}}, {"sort": {"by": ["id", "text"]}}
    )
    found = difference(Facts(one, {}, {}, None), Facts(other, {}, {}, None))
    assert found.document == (
        Change("steps[1]", None, {"lower": {}}),
        Change("steps[2].sort.by[0]", "text", "id"),
        Change("steps[2].sort.by[1]", None, "text"),
    )
    assert (found.made_with, found.inputs, found.counts, found.files) == ((), (), (), None)


def test_another_library_is_seen_and_what_is_not_known_is_said() -> None:
    one = Facts(document(), {"libraries": {"pyarrow": "21"}, "engine": 1}, {"/a/v=1": "x"}, None)
    other = Facts(document(), {"libraries": {"pyarrow": "22"}, "engine": 1}, {"/a/v=2": "y"}, None)
    found = difference(one, other)
    assert found.made_with == (Change("libraries.pyarrow", "21", "22"),)
    assert found.inputs == (Change("/a/v=1", "x", None), Change("/a/v=2", None, "y"))
    old = Facts(document(), None, {}, None)
    assert difference(old, other).made_with is None


def test_what_made_a_run_is_what_its_digest_is_taken_of() -> None:
    steps = filtering(3)
    spec = read_spec(
        {"version": 1, "inputs": [{"name": CODE}], "steps": steps, "output": {"name": "/a/~/b"}}
    )
    known = made_with(spec, str.upper)
    assert known["operators"] == {"filter": spec.steps[0].VERSION}
    assert known["libraries"]["pyarrow"]  # type: ignore[index,call-overload]
    assert digest(spec, str.upper) == digest(spec, str.lower), "no tokenizer is named"


def test_rows_are_told_by_step_also_across_a_barrier(bench: Bench) -> None:
    bench.write("a.jsonl", lines([{"text": text} for text in ("a", "bb", "bb", "cc", "cc", "cc")]))
    dedup = {"dedup_exact": {"columns": ["text"]}}
    report = bench.run(bench.plan([*filtering(2), dedup, {"select": {"columns": ["text"]}}]))
    assert report.steps == {
        "steps[0].filter": {"dropped.text.min_chars": 1, "rows_in": 6, "rows_out": 5},
        "steps[1].dedup_exact": {"dropped.duplicate": 3, "rows_in": 5, "rows_out": 2},
        "steps[2].select": {"rows_in": 2, "rows_out": 2},
    }


@pytest.fixture
def runs(mesh: Mesh) -> tuple[Run, Run]:
    """The same input through two revisions of a pipeline."""
    mesh.publish({"a.jsonl": lines(ROWS)})
    one, other = (mesh.run(filtering(least)) for least in (3, 5))
    assert (one.state, other.state) == (RunState.DONE, RunState.DONE)
    return one, other


def test_two_revisions_differ_in_a_word_and_in_what_it_does(
    mesh: Mesh, runs: tuple[Run, Run]
) -> None:
    one, other = runs
    found = services.diff_runs(mesh.ana, one.pk, other.pk)
    assert found.document == (Change("steps[0].filter.where[0].min_chars", 3, 5),)
    assert (found.made_with, found.inputs) == ((), ())
    counts = {change.where: (change.before, change.after) for change in found.counts}
    assert counts["rows_out"] == (70, 50)
    assert counts["steps[0].filter.rows_out"] == (70, 50)
    assert counts["steps[0].filter.dropped.text.min_chars"] == (30, 50)
    assert "rows_in" not in counts
    assert found.files is not None
    assert (found.files.equal, found.files.changed) == (0, 1)
    same = services.diff_runs(mesh.ana, one.pk, one.pk)
    assert (same.document, same.counts) == ((), ())
    assert same.files is not None
    assert same.files.all_equal


def test_a_run_without_a_result_is_compared_as_far_as_it_goes(
    mesh: Mesh, runs: tuple[Run, Run]
) -> None:
    mesh.publish({"a.jsonl": lines(ROWS[:50])})
    queued = mesh.start(mesh.pipeline(filtering(5)))
    found = services.diff_runs(mesh.ana, runs[1].pk, queued.pk)
    assert found.files is None
    assert found.made_with is None
    assert [change.where for change in found.inputs] == [f"{CODE}/v=1", f"{CODE}/v=2"]
    assert drive(queued).state == RunState.DONE


def test_only_who_may_know_of_both_is_told(mesh: Mesh, runs: tuple[Run, Run], client: Any) -> None:
    one, other = runs
    _, secret = issue_token(mesh.users["ana"], mesh.ana, title="t", days=1, scopes=None)
    header = {"Authorization": f"Bearer {secret}"}
    path = f"/api/v1/runs/{one.pk}/diff"
    told = client.get(f"{path}?with={other.pk}", headers=header)
    assert told.status_code == 200
    assert told.json()["document"] == [
        {"where": "steps[0].filter.where[0].min_chars", "before": 3, "after": 5}
    ]
    assert told.json()["files"]["changed"] == 1
    for query in ("", "?with=7"):
        assert client.get(path + query, headers=header).status_code == 422
    assert client.get(f"{path}?with={one.pk}").status_code == 404, "nobody in particular"
    revoke_grant(mesh.carla, mesh.grant.pk)
    mesh.users["ana"].memberships.all().delete()
    one.target.visibility = "team"
    one.target.save()
    with pytest.raises(NotFound):
        services.diff_runs(mesh.ana, one.pk, other.pk)
