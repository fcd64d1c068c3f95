"""A new version of an input costs what changed: equal shards are copied, to the same bytes."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import pytest

from catalog.services import tombstone_version
from movement.models import Store
from movement.opening import open_store
from tests.transforms.mesh import Mesh, drive, lines, rows_of
from transforms import services
from transforms.engine.cutting import grouped
from transforms.engine.readers import Piece
from transforms.models import Run, RunShard, RunState
from transforms.services.quarantine import quarantined_rows

CLEAN = [{"filter": {"where": [{"column": "text", "min_chars": 3}]}}]
FILE_ROWS = 15
"""Such a file has more than half of a small shard, so that each is a shard of its own."""


def file(marked: str) -> bytes:
    return lines([{"id": n, "text": f"{marked} has the number {n}"} for n in range(FILE_ROWS)])


def files(*names: str, **changed: str) -> dict[str, bytes]:
    return {f"{name}.jsonl": file(changed.get(name, name)) for name in names}


def run_over(mesh: Mesh, given: dict[str, bytes], steps: Any = CLEAN, **wanted: Any) -> Run:
    mesh.publish(given)
    return drive(mesh.start(save(mesh, steps, **wanted)))


def save(mesh: Mesh, steps: Any = CLEAN, **wanted: Any) -> Any:
    spec = {"version": 1, "inputs": [{"name": "/src/~/code"}], "steps": list(steps), **wanted}
    spec["output"] = {"name": "/nlp/~/tokens", **wanted.get("output", {})}
    return services.save_pipeline(mesh.ana, name="clean", spec=spec)


def in_full(mesh: Mesh, run: Run) -> Run:
    """Run the same again with nothing to take over."""
    RunShard.objects.update(digest="")
    Run.objects.update(run_digest="")
    again = drive(mesh.start(run.pipeline))
    assert (again.state, reused(again)) == (RunState.DONE, 0)
    return again


def reused(run: Run) -> int:
    assert run.state == RunState.DONE, run.reason
    assert run.report is not None
    return int(run.report["shards_reused"])


def root(run: Run) -> str:
    assert run.output_version is not None
    return run.output_version.root


def told(run: Run) -> dict[str, Any]:
    """Return the report but for what differs from run to run."""
    assert run.report is not None
    return {
        key: value
        for key, value in run.report.items()
        if key not in {"seconds", "shards_reused", "bytes_reused"}
    }


def test_only_what_changed_is_done_and_the_bytes_are_those_of_a_full_run(
    mesh: Mesh, small_shards: int
) -> None:
    first = run_over(mesh, files("a", "b", "c"))
    assert (first.shards_total, reused(first)) == (3, 0)
    second = run_over(mesh, files("a", "b", "c", "d", b="other"))
    assert (second.shards_total, reused(second)) == (4, 2)
    assert second.report is not None
    assert second.report["bytes_reused"] == len(file("a")) + len(file("c"))
    flags = second.shards.order_by("index").values_list("result__reused", flat=True)
    assert list(flags) == [True, False, True, False]

    full = in_full(mesh, second)
    assert root(full) == root(second)
    assert told(full) == told(second)
    assert rows_of(full.output_version) == rows_of(second.output_version)


def test_shards_that_have_another_number_now_are_taken_over_as_well(
    mesh: Mesh, small_shards: int
) -> None:
    run_over(mesh, files("b", "c"))
    second = run_over(mesh, files("a", "b", "c"))
    assert reused(second) == 2
    assert root(in_full(mesh, second)) == root(second)


@pytest.mark.parametrize(
    "wanted",
    [
        {"output": {"format": "webdataset"}},
        {"split": {"parts": {"train": 0.7, "test": 0.3}}},
    ],
)
def test_where_the_bytes_tell_a_shards_number_it_must_be_the_same(
    mesh: Mesh, small_shards: int, wanted: dict[str, Any]
) -> None:
    run_over(mesh, files("b", "c"), **wanted)
    moved = run_over(mesh, files("a", "b", "c"), **wanted)
    assert reused(moved) == 0
    added = run_over(mesh, files("a", "b", "c", "d"), **wanted)
    assert reused(added) == 3
    assert root(in_full(mesh, added)) == root(added)


def test_parts_of_a_split_by_a_column_are_renamed_each_in_its_folder(
    mesh: Mesh, small_shards: int
) -> None:
    wanted = {"split": {"parts": {"train": 0.7, "test": 0.3}, "by": "id"}}
    run_over(mesh, files("b", "c"), **wanted)
    second = run_over(mesh, files("a", "b", "c"), **wanted)
    assert reused(second) == 2
    assert root(in_full(mesh, second)) == root(second)


def test_a_step_that_sees_all_rows_has_all_shards_done(mesh: Mesh, small_shards: int) -> None:
    steps = [{"dedup_exact": {"columns": ["text"]}}]
    run_over(mesh, files("a", "b"), steps)
    assert reused(run_over(mesh, files("a", "b", "c"), steps)) == 0


def test_another_document_takes_nothing_over(mesh: Mesh, small_shards: int) -> None:
    run_over(mesh, files("a", "b"))
    other = [{"filter": {"where": [{"column": "text", "min_chars": 4}]}}]
    assert reused(run_over(mesh, files("a", "b", "c"), other)) == 0


def test_where_a_files_name_is_a_column_another_name_is_another_row(
    mesh: Mesh, small_shards: int
) -> None:
    steps = [{"select": {"columns": ["path"]}}]
    for name in ("a.bin", "b.bin"):
        mesh.publish({name: b"the same bytes"})
        run = mesh.run(steps, format="files")
        assert (run.state, reused(run)) == (RunState.DONE, 0)
        assert rows_of(run.output_version) == [{"path": name}]


def test_what_lies_there_no_more_is_done_again(mesh: Mesh, small_shards: int) -> None:
    first = run_over(mesh, files("a", "b"))
    open_store(Store.objects.get()).delete(first.base + "part-00000.parquet")
    second = run_over(mesh, files("a", "b", "c"))
    assert reused(second) == 1
    assert second.output_version is not None
    tombstone_version(mesh.ana, second.output_version.pk, reason="a mistake")
    assert first.output_version is not None
    tombstone_version(mesh.ana, first.output_version.pk, reason="a mistake")
    assert reused(run_over(mesh, files("a", "b", "c", "d"))) == 0


def test_what_was_set_aside_is_taken_over_under_its_own_name(mesh: Mesh, small_shards: int) -> None:
    bad = {"a.jsonl": file("a") + b"{not json\n"}
    run_over(mesh, bad)
    second = run_over(mesh, {**bad, **files("b")})
    assert reused(second) == 1
    assert second.report is not None
    assert second.report["quarantined"] == 1
    assert [each.source for each in set_aside(mesh, second)] == ["a.jsonl"]
    renamed = run_over(mesh, {"z.jsonl": bad["a.jsonl"], **files("b")})
    assert reused(renamed) == 1, "the one without bad rows"
    assert [each.source for each in set_aside(mesh, renamed)] == ["z.jsonl"]


def set_aside(mesh: Mesh, run: Run) -> list[Any]:
    return list(quarantined_rows(mesh.ana, run.pk, 9))


@pytest.mark.parametrize("largest", [2_000, 4_000])
def test_most_groups_of_small_files_survive_a_change_in_their_midst(largest: int) -> None:
    """Files of one size or of many, one taken away: the borders come back soon."""
    chance = random.Random(7)
    sizes = {f"f{n:04d}": chance.randint(2_000, largest) for n in range(3_000)}
    hashes = {name: hashlib.sha256(name.encode()).hexdigest() for name in sizes}
    limit = 32_000

    def groups(names: list[str]) -> list[tuple[str, ...]]:
        pieces = [(Piece(name, "jsonl", "none", 0, sizes[name]), sizes[name]) for name in names]
        found = list(grouped(pieces, hashes, limit))
        assert all(size <= limit for _, size in found)
        assert [piece.path for group, _ in found for piece in group] == names
        return [tuple(piece.path for piece in group) for group, _ in found]

    names = sorted(sizes)
    before = groups(names)
    assert len(before) < 2 * sum(sizes.values()) / limit
    for gone in (0, 1, 1_500, 2_999):
        after = groups(names[:gone] + names[gone + 1 :])
        assert len(set(before) - set(after)) <= 8
