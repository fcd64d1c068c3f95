"""A run in any format is published: its files and indexes are in the manifest, its rows add up."""

from __future__ import annotations

from typing import Any

import pytest

from catalog.models import Version
from catalog.selectors import manifest_entries
from movement.models import Replica
from movement.opening import open_store
from tests.transforms.mesh import CLEAN, CODE, TOKENS, Mesh, drive, lines
from transforms import services
from transforms.models import Run, RunState

ROWS = [{"id": number, "text": f"text number {number}"} for number in range(60)]
BROKEN = b'{"id": 7, "text": "cut of\n'


def run(mesh: Mesh, **given: Any) -> Run:
    """Publish 60 rows and one broken line, run a pipeline into `output`, split as given."""
    mesh.publish({"a.jsonl": lines(ROWS[:40]) + BROKEN, "b.jsonl": lines(ROWS[40:])})
    output = {"name": TOKENS, **given.pop("output", {})}
    spec = {"version": 1, "inputs": [{"name": CODE}], "steps": CLEAN, "output": output, **given}
    pipeline = services.save_pipeline(mesh.ana, name="clean", spec=spec)
    return drive(mesh.start(pipeline))


def published(ended: Run) -> tuple[Version, dict[str, tuple[str, int | None]]]:
    """Return the version, and media type and rows of each file: those in store and manifest."""
    assert (ended.state, ended.reason) == (RunState.DONE, "")
    version = ended.output_version
    assert version is not None
    replica = Replica.objects.get(version=version)
    stored = {found.key for found in open_store(replica.store).list(replica.base)}
    entries = {each.path: (each.media_type, each.rows) for each in manifest_entries(version)}
    assert {replica.base + path for path in entries} <= stored
    assert {key for key in stored if "/.fairmesh/" not in key} == {
        replica.base + path for path in entries
    }
    return version, entries


@pytest.mark.parametrize(
    ("output", "paths"),
    [
        ({"format": "jsonl", "compression": "zstd"}, ["part-{}.jsonl.zst"]),
        ({"format": "csv"}, ["part-{}.csv"]),
        ({"format": "arrow"}, ["part-{}.arrow"]),
        ({"format": "orc"}, ["part-{}.orc"]),
        ({"format": "webdataset", "key": "id"}, ["part-{}.tar"]),
        ({"format": "tfrecord"}, ["part-{}.tfrecord"]),
        ({"format": "mds", "compression": "none"}, ["part-{}.00000.mds", "index.json"]),
        (
            {"format": "lance"},
            ["data/part-{}.lance", "_versions/18446744073709551614.manifest"],
        ),
        (
            {"format": "huggingface"},
            [
                "train/part-{}.arrow",
                "dataset_dict.json",
                "train/state.json",
                "train/dataset_info.json",
            ],
        ),
    ],
)
def test_files_and_indexes_are_in_the_manifest(
    mesh: Mesh, small_shards: int, output: dict[str, str], paths: list[str]
) -> None:
    ended = run(mesh, output=output)
    version, entries = published(ended)
    shards = [f"{shard:05d}" for shard in range(ended.shards_total)]
    assert len(shards) > 2
    assert set(entries) == {path.format(shard) for path in paths for shard in shards}
    assert version.rows == 60
    assert [column["name"] for column in version.schema] == ["id", "text"]
    assert ended.report is not None
    assert (ended.report["rows_out"], ended.report["quarantined"]) == (60, 1)
    (bad,) = services.quarantined_rows(mesh.ana, ended.pk, 10)
    assert bad.raw + b"\n" == BROKEN


def test_a_split_run_has_a_folder_for_each_part(mesh: Mesh, small_shards: int) -> None:
    split = {"by": "id", "parts": {"train": 0.5, "test": 0.5}}
    version, entries = published(run(mesh, split=split, output={"format": "mds"}))
    folders = {path.split("/")[0] for path in entries}
    assert folders == {"train", "test"}
    assert {"train/index.json", "test/index.json"} <= set(entries)
    assert version.rows == sum(rows or 0 for _, rows in entries.values()) == 60


def test_a_version_that_holds_one_column_tells_of_one(mesh: Mesh, installed_tokenizer: str) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    spec = {
        "version": 1,
        "inputs": [{"name": CODE}],
        "steps": [{"tokenise": {"column": "text", "tokenizer": installed_tokenizer}}],
        "output": {"name": TOKENS, "format": "megatron"},
    }
    pipeline = services.save_pipeline(mesh.ana, name="ids", spec=spec)
    version, entries = published(drive(mesh.start(pipeline)))
    assert {path: rows for path, (_, rows) in entries.items()} == {
        "part-00000.bin": 60,
        "part-00000.idx": 0,
    }
    assert [column["name"] for column in version.schema] == ["input_ids"]
