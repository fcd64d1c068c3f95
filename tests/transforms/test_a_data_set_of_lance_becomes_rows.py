"""Lance as an input: a data set is read as a whole, so that what was deleted does not come back."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any, BinaryIO

import lance
import pyarrow as pa
import pytest

from core.errors import IntegrityBroken, Invalid, StoreUnavailable
from tests.transforms.bench import Bench
from tests.transforms.damaged import damage
from tests.transforms.mesh import Mesh
from tests.transforms.mesh import rows_of as mesh_rows
from tests.transforms.written import files_in, rows, with_nulls, write
from transforms.engine.cutting import look_at, read_by_one
from transforms.engine.intake import rows_of
from transforms.engine.plan import from_json
from transforms.engine.reading.lance import newest_manifests, schema_of
from transforms.engine.sources import ByteSource, LocalFile, MemorySource
from transforms.engine.spec import read_spec
from transforms.models import RunState

ROWS = [{"n": n, "text": f"row {n}"} for n in range(100)]


def keep(*columns: str) -> list[dict[str, Any]]:
    return [{"select": {"columns": list(columns)}}]


def changed(folder: Path) -> list[dict[str, Any]]:
    """Make a data set whose rows were deleted, added and widened; return those that are left."""
    made = lance.write_dataset(pa.Table.from_pylist(ROWS), folder, max_rows_per_file=40)
    made.delete("n % 3 = 0")
    made = lance.write_dataset(
        pa.Table.from_pylist([{"n": 200, "text": "added"}]), folder, mode="append"
    )
    made.add_columns({"more": "n + 1"})
    left = [row for row in ROWS if row["n"] % 3] + [{"n": 200, "text": "added"}]  # type: ignore[operator]
    return [{**row, "more": row["n"] + 1} for row in left]  # type: ignore[operator]


@pytest.mark.parametrize("table", [rows(300), with_nulls()])
def test_what_was_written_as_lance_is_read_as_the_same_rows(bench: Bench, table: pa.Table) -> None:
    write(bench.root / "input", "lance", table)
    planned = bench.plan(keep(*table.schema.names))
    assert planned.inputs[0] == table.schema
    assert bench.rows(bench.run(planned)) == table.to_pylist()


@pytest.mark.parametrize("shard_bytes", [1, 10_000_000])
def test_the_newest_rows_are_read_and_no_deleted_ones(bench: Bench, shard_bytes: int) -> None:
    expected = changed(bench.root / "input" / "set")
    planned = bench.plan(keep("n", "text", "more"), shard_bytes)
    assert len(planned.shards) == (4 if shard_bytes == 1 else 1)
    report = bench.run(planned)
    assert bench.rows(report) == expected
    assert report.rows_in == len(expected)


def test_a_shard_opens_no_more_than_its_fragments(bench: Bench) -> None:
    changed(bench.root / "input")
    planned = from_json(json.loads(json.dumps(bench.plan(keep("n"), 1).to_json())))
    opened: list[str] = []

    def open_input(path: str) -> LocalFile:
        opened.append(path)
        return bench.open_input(path)

    first, *others = planned.shards
    (piece,) = first.pieces
    assert {path.partition("/")[0] for path in piece.beside} == {"data", "_deletions"}
    assert sum(found.records for found in rows_of(planned, first, open_input)) == 26
    assert sorted(opened) == sorted(piece.paths)
    assert not set(piece.beside) & {path for each in others for path in each.pieces[0].beside}


def test_a_fragment_that_is_longer_than_a_shard_is_told(bench: Bench) -> None:
    write(bench.root / "input", "lance", rows(3000))
    ((_, size, why),) = read_by_one(bench.plan(keep("n"), 1000).shards, 1000)
    assert (size > 1000, why.partition(";")[0]) == (True, "it is one unit of lance")


def test_another_file_of_a_fragment_is_another_shard(bench: Bench) -> None:
    """A manifest tells sizes and no digests: with other rows of the same size it is the same."""
    table = rows(10)
    write(bench.root / "input", "lance", table)
    (before,) = bench.plan(keep("n")).shards
    (file,) = (bench.root / "input" / "data").iterdir()
    data = file.read_bytes()
    file.write_bytes(data[:20] + b"\1" + data[21:])
    (behind,) = bench.plan(keep("n")).shards
    assert before.digest != behind.digest


def test_each_part_of_a_split_is_read_as_one_data_set(bench: Bench) -> None:
    for part, count in (("test", 3), ("train", 9)):
        write(bench.root / "input" / part, "lance", rows(count))
    whole = bench.run(bench.plan(keep("n")))
    assert [row["n"] for row in bench.rows(whole)] == [
        *rows(3)["n"].to_pylist(), *rows(9)["n"].to_pylist(),
    ]  # fmt: skip
    for chosen in ("train/*", "train/data/*.lance"):
        report = bench.run(bench.plan(keep("n"), files=chosen), chosen[6:7])
        assert report.rows_in == 9, chosen


def test_a_data_set_without_rows_is_read(bench: Bench) -> None:
    write(bench.root / "input", "lance", rows(0))
    assert bench.run(bench.plan(keep("n"))).rows_in == 0


def test_a_declared_type_is_kept_to(bench: Bench) -> None:
    write(bench.root / "input", "lance", rows(5))
    report = bench.run(bench.plan(keep("n"), schema={"n": "int32"}, format="lance"))
    assert [row["n"] for row in bench.rows(report)] == rows(5)["n"].to_pylist()
    with pytest.raises(Invalid, match="lacks the columns other"):
        bench.run(bench.plan(keep("other"), schema={"other": "int32"}))


def test_a_fragment_alone_is_refused_when_planned(bench: Bench) -> None:
    write(bench.root / "made", "lance", rows())
    bench.write("part-00000.lance", (bench.root / "made/data/part-00000.lance").read_bytes())
    with pytest.raises(Invalid, match="is of no data set of Lance"):
        bench.plan(keep("n"))
    bench.write("a.bin", b"no Lance")
    with pytest.raises(Invalid, match=r"a\.bin' is of no data set of Lance"):
        bench.plan(keep("n"), files="a.bin", format="lance")


def test_a_data_set_that_lacks_a_file_is_refused_when_planned(bench: Bench) -> None:
    write(bench.root / "input", "lance", rows())
    (bench.root / "input/data/part-00000.lance").unlink()
    with pytest.raises(Invalid, match=r"names 'data/part-00000\.lance', which is not there"):
        bench.plan(keep("n"))


def test_rows_that_lie_elsewhere_are_not_read(bench: Bench, tmp_path: Path) -> None:
    """Else a manifest could have a worker read whatever lies on its machine."""
    write(tmp_path / "secret", "lance", rows())
    made = lance.dataset(tmp_path / "secret")
    made.shallow_clone(str(bench.root / "input"), made.version)
    with pytest.raises(Invalid, match="rows elsewhere"):
        bench.plan(keep("n"))


class Vast(MemorySource):
    """More than any disk holds; nobody is to begin to copy it."""

    size = 1 << 60

    def open(self) -> BinaryIO:
        raise AssertionError("it was opened")


def test_what_the_disk_has_no_room_for_is_not_begun() -> None:
    with pytest.raises(StoreUnavailable, match=f"of {Vast.size} bytes, and [0-9]+ are free"):
        schema_of("set/_versions/1.manifest", lambda path: Vast(b""))


@pytest.mark.parametrize("spoil", [lambda data: data[:-7], lambda data: bytes(len(data))])
def test_damaged_files_stop_the_run(bench: Bench, spoil: Any) -> None:
    write(bench.root / "input", "lance", rows(3000))
    planned = bench.plan(keep("n", "text"))
    file = bench.root / "input/data/part-00000.lance"
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(Invalid, match="is damaged"):
        bench.run(planned)


def test_a_manifest_that_is_cut_off_is_refused_when_planned(bench: Bench) -> None:
    write(bench.root / "input", "lance", rows())
    (manifest,) = (bench.root / "input/_versions").iterdir()
    manifest.write_bytes(manifest.read_bytes()[:-7])
    with pytest.raises(Invalid, match=r"\.manifest is damaged"):
        bench.plan(keep("n"))


def test_a_manifest_is_the_one_that_was_published(bench: Bench) -> None:
    """Rotten, it might name fewer fragments, and nobody would miss a row."""
    write(bench.root / "input", "lance", rows())
    given = bench.given()
    (manifest,) = (bench.root / "input/_versions").iterdir()
    data = bytearray(manifest.read_bytes())
    data[60] ^= 1
    manifest.write_bytes(data)
    with pytest.raises(IntegrityBroken, match="not as it was published"):
        look_at(0, read_spec(bench.document(keep("n"))).input, given, 1)


def test_damage_anywhere_gives_all_rows_or_none(bench: Bench) -> None:
    expected = changed(bench.root / "input")
    planned = bench.plan(keep("n", "text", "more"))
    (piece,) = planned.shards[0].pieces
    for seed in range(12):
        chance = Random(seed)
        spoiled = chance.choice(piece.paths)

        def open_input(path: str, chance: Random = chance, spoiled: str = spoiled) -> ByteSource:
            data = (bench.root / "input" / path).read_bytes()
            return MemorySource(damage(chance, data) if path == spoiled else data)

        try:
            found = list(rows_of(planned, planned.shards[0], open_input))
        except Invalid as error:
            assert len(str(error)) < 1000  # noqa: PT017 - not every damage is seen
        else:
            assert sum(each.records for each in found) == len(expected)


@pytest.mark.parametrize(
    ("paths", "newest"),
    [
        (["_versions/1.manifest", "_versions/12.manifest", "_versions/9.manifest"],
         {"": "_versions/12.manifest"}),
        (["a/_versions/18446744073709551614.manifest", "a/_versions/18446744073709551613.manifest",
          "a/_versions/latest_version_hint.json"],
         {"a/": "a/_versions/18446744073709551613.manifest"}),
        (["_versions/7.manifest", "tree/b/_versions/9.manifest"], {"": "_versions/7.manifest"}),
        (["a_versions/1.manifest", "_versions/d7.manifest", "_versions/x/1.manifest"], {}),
    ],
)  # fmt: skip
def test_the_newest_manifest_is_told_by_its_name(paths: list[str], newest: dict[str, str]) -> None:
    assert newest_manifests(paths) == newest


@pytest.mark.usefixtures("small_shards")
def test_workers_read_a_published_data_set(mesh: Mesh, tmp_path: Path) -> None:
    """Each opens the files of its fragments, proved, from the store."""
    expected = changed(tmp_path / "set")
    mesh.publish(files_in(tmp_path))
    run = mesh.run(keep("n", "text", "more"))
    assert run.state == RunState.DONE, run.reason
    assert run.shards.count() > 1
    assert mesh_rows(run.output_version) == expected


WITHOUT = """\
import sys
sys.modules["lance"] = None
from core.errors import IntegrityBroken, Invalid, StoreUnavailable
from transforms.engine.readers import cut_data_set
from transforms.engine.sources import MemorySource
try:
    list(cut_data_set("_versions/1.manifest", {}, lambda path: MemorySource(b""), 1))
except Invalid as error:
    print(error.detail)
"""


def test_without_its_package_the_plan_names_the_extra() -> None:
    told = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True)
    assert "the extra `lance`, which reads it, is not installed here" in told.stdout, told.stderr


def test_whoever_reads_no_lance_does_not_load_it() -> None:
    asked = "import sys, transforms.engine.cutting; print('lance' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True)
    assert told.stdout == "False\n"
