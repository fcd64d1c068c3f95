"""Pairs of Megatron as an input: a document is a row, wherever its sequences lie."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from core.errors import IntegrityBroken, Invalid
from tests.transforms.bench import Bench
from tests.transforms.damaged import damage
from tests.transforms.mesh import Mesh, rows_of
from tests.transforms.written import files_in, rows, write
from transforms.engine.cutting import look_at
from transforms.engine.readers import cut_data_set, read
from transforms.engine.sources import ByteSource, MemorySource
from transforms.engine.spec import read_spec
from transforms.models import RunState

KEEP = [{"select": {"columns": ["input_ids"]}}]
DOCUMENTS: list[list[list[int]]] = [[[1, 2], [3]], [], [[4]], [[], [5, 6, 7]]]
"""Each a list of sequences."""
ROWS = [{"input_ids": [1, 2, 3]}, {"input_ids": []}, {"input_ids": [4]}, {"input_ids": [5, 6, 7]}]


def pair(
    documents: Sequence[Sequence[Sequence[int]]], code: int = 8, kind: str = "<u2", order: int = 1
) -> tuple[bytes, bytes]:
    """Return index and ids as Megatron's own builder lays them out; -1 is the sequences' order."""
    sequences = [np.array(each, kind).tobytes() for document in documents for each in document]
    lengths = np.array([len(each) for each in sequences], np.int64) // np.dtype(kind).itemsize
    sizes = np.array([len(each) for each in sequences], np.int64)[::order]
    starts = (np.cumsum(sizes) - sizes)[::order]
    borders = np.cumsum([0, *map(len, documents)])
    head = struct.pack("<9sQBQQ", b"MMIDIDX\0\0", 1, code, len(sequences), len(borders))
    numbers = lengths.astype("<i4"), starts.astype("<i8"), borders.astype("<i8")
    return head + b"".join(each.tobytes() for each in numbers), b"".join(sequences[::order])


def put(bench: Bench, index: bytes, ids: bytes, name: str = "a") -> None:
    bench.write(f"{name}.idx", index)
    bench.write(f"{name}.bin", ids)


def test_what_was_written_as_megatron_is_read_as_the_same_rows(
    bench: Bench, tmp_path: Path
) -> None:
    write(tmp_path / "made", "megatron", rows(300))
    for name in ("part-00000.idx", "part-00000.bin"):
        bench.write(name, (tmp_path / "made" / name).read_bytes())
    planned = bench.plan(KEEP, shard_bytes=20_000)
    assert len(planned.shards) > 5
    assert {shard.bytes <= 20_000 for shard in planned.shards} == {True}
    report = bench.run(planned)
    assert bench.rows(report) == rows(300).select(["input_ids"]).to_pylist()
    assert (report.rows_in, report.quarantined) == (300, 0)
    assert planned.inputs[0] == pa.schema([("input_ids", pa.list_(pa.int32()))])


@pytest.mark.parametrize("order", [1, -1])
def test_a_document_is_all_of_its_sequences_wherever_they_lie(bench: Bench, order: int) -> None:
    put(bench, *pair(DOCUMENTS, order=order))
    for shard_bytes in (1, 1 << 20):
        report = bench.run(bench.plan(KEEP, shard_bytes), f"by {shard_bytes}")
        assert bench.rows(report, f"by {shard_bytes}") == ROWS


@pytest.mark.parametrize(
    ("code", "kind"), [(1, "<u1"), (2, "<i1"), (3, "<i2"), (4, "<i4"), (5, "<i8"), (8, "<u2")]
)
def test_ids_keep_their_width(bench: Bench, code: int, kind: str) -> None:
    largest = int(np.iinfo(kind).max)
    put(bench, *pair([[[largest]], [[0]]], code, kind))
    planned = bench.plan(KEEP)
    assert planned.inputs[0].field(0).type.value_type == pa.from_numpy_dtype(np.dtype(kind))
    assert bench.rows(bench.run(planned)) == [{"input_ids": [largest]}, {"input_ids": [0]}]


@pytest.mark.parametrize("files", ["*", "*.idx", "a.bin"])
def test_either_file_names_the_pair_and_its_rows_come_once(bench: Bench, files: str) -> None:
    put(bench, *pair(DOCUMENTS))
    planned = bench.plan(KEEP, files=files, format="megatron")
    assert bench.rows(bench.run(planned)) == ROWS


def test_an_index_without_documents_has_no_rows(bench: Bench) -> None:
    put(bench, *pair([]))
    assert bench.run(bench.plan(KEEP)).rows_in == 0


def test_ids_that_do_not_fit_the_declared_type_are_set_aside(bench: Bench) -> None:
    documents = [[[7]], [[1, 2]], [[8]]]
    index, ids = pair(documents)
    put(bench, index, ids)
    report = bench.run(bench.plan(KEEP, schema={"input_ids": "int64"}))
    assert bench.rows(report) == [{"input_ids": 7}, {"input_ids": 8}]
    (row,) = bench.bad_rows(report)
    assert (row["source"], row["byte_offset"], row["raw"]) == ("a.bin", 2, ids[2:6])
    wider = bench.run(bench.plan(KEEP, schema={"input_ids": "list<int64>"}), "wider")
    assert [row["input_ids"] for row in bench.rows(wider, "wider")] == [[7], [1, 2], [8]]


def test_a_shard_changes_with_either_file(bench: Bench) -> None:
    digests = set()
    for documents in ([[[1, 2]], [[3]]], [[[1]], [[2, 3]]], [[[1, 2]], [[4]]]):
        put(bench, *pair(documents))
        digests.add(bench.plan(KEEP).shards[0].digest)
    assert len(digests) == 3


def spoiled(what: str) -> tuple[bytes, bytes]:
    index, ids = pair(DOCUMENTS)
    return {
        "cut off": (index[:-1], ids),
        "cut in its head": (index[:20], ids),
        "longer": (index + b"\0", ids),
        "no index": (b"MMIDIDX\0\1" + index[9:], ids),
        "ids cut off": (index, ids[:-2]),
        "more ids": (index, ids + b"\0\0"),
        "borders descend": (index[:-16] + struct.pack("<q", 9) + index[-8:], ids),
        "a sequence of no document": (index[:-8] + struct.pack("<q", 4), ids),
        "negative length": (index[:34] + b"\xff\xff\xff\xff" + index[38:], ids),
        "no borders": (index[:26] + bytes(8) + index[34:-40], ids),
    }[what]


@pytest.mark.parametrize(
    "what",
    [
        "cut off", "cut in its head", "longer", "no index", "ids cut off", "more ids",
        "borders descend", "a sequence of no document", "negative length", "no borders",
    ],
)  # fmt: skip
def test_files_that_do_not_fit_together_are_refused_when_planned(bench: Bench, what: str) -> None:
    put(bench, *spoiled(what))
    with pytest.raises(Invalid, match=r"a\.idx is damaged"):
        bench.plan(KEEP)


def test_what_is_not_read_is_told(bench: Bench) -> None:
    index, ids = pair(DOCUMENTS)
    put(bench, index + b"\1" * 5, ids)
    with pytest.raises(Invalid, match="tells modes of its sequences"):
        bench.plan(KEEP)
    put(bench, *pair([[[1]]], code=7, kind="<f4"))
    with pytest.raises(Invalid, match="a type of ids that is not read"):
        bench.plan(KEEP)
    put(bench, index, ids)
    with pytest.raises(Invalid, match="token ids alone, as input_ids, and not text"):
        bench.run(bench.plan([{"select": {"columns": ["text"]}}], schema={"text": "string"}))


@pytest.mark.parametrize("lone", ["b.idx", "b.bin"])
def test_a_half_of_a_pair_is_told_so(bench: Bench, lone: str) -> None:
    put(bench, *pair(DOCUMENTS))
    bench.write(lone, b"half")
    with pytest.raises(Invalid, match=r"is none of a pair of Megatron"):
        bench.plan(KEEP, format="megatron")
    with pytest.raises(Invalid, match="cannot be told from its name"):
        bench.plan(KEEP)


def test_an_index_that_is_not_as_it_was_published_is_refused(bench: Bench) -> None:
    put(bench, *pair(DOCUMENTS))
    given = bench.given()
    index, _ = pair([[[1, 2, 3]], [[4, 5, 6, 7]]])
    bench.write("a.idx", index)
    with pytest.raises(IntegrityBroken, match="not as it was published"):
        look_at(0, read_spec(bench.document(KEEP)).input, given, 1)


def test_damage_anywhere_gives_all_ids_or_none() -> None:
    index, ids = pair([[[n] * (n % 7), [n]] for n in range(40)])
    schema = pa.schema([("input_ids", pa.list_(pa.uint16()))])
    ends = {"rows": 0, "refused": 0}
    for seed in range(400):
        chance = Random(seed)
        data = {"a.idx": index, "a.bin": ids}
        path = chance.choice(list(data))
        data[path] = damage(chance, data[path])
        sizes = {path: len(held) for path, held in data.items()}

        def open_input(path: str, data: dict[str, Any] = data) -> ByteSource:
            return MemorySource(data[path])

        try:
            pieces = [piece for piece, _ in cut_data_set("a.idx", sizes, open_input, 64)]
            found = [each for piece in pieces for each in read(piece, open_input, schema)]
        except Invalid as error:
            assert len(str(error)) < 1000  # noqa: PT017 - not every damage is seen
            ends["refused"] += 1
        else:
            rows_read = [row for each in found for row in each.batch.to_pylist()]
            tokens = sum(len(row["input_ids"]) for row in rows_read)
            assert (2 * tokens, [each.bad for each in found if each.bad]) == (sizes["a.bin"], [])
            ends["rows"] += 1
    assert min(ends.values()) > 20, ends


@pytest.mark.usefixtures("small_shards")
def test_workers_read_a_published_pair(mesh: Mesh, tmp_path: Path) -> None:
    write(tmp_path, "megatron", rows(60))
    mesh.publish(files_in(tmp_path))
    run = mesh.run(KEEP)
    assert run.state == RunState.DONE, run.reason
    assert run.shards.count() > 1
    assert rows_of(run.output_version) == rows(60).select(["input_ids"]).to_pylist()
