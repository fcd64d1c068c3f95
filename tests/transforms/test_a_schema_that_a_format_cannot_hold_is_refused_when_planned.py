"""What a format lacks is told before anything is written, with the place and a way forward."""

from __future__ import annotations

import pytest

from core.errors import InvalidSpec
from tests.transforms.bench import Bench

ROW = {"id": "a", "n": 1, "x": 0.5, "list": [1], "Id": "b", "a.b": 1}


@pytest.mark.parametrize(
    ("columns", "output", "where", "told"),
    [
        (["n", "list"], {"format": "csv"}, "output.format", "'list'"),
        (["x"], {"format": "tfrecord"}, "output.format", "float32"),
        (["n"], {"format": "megatron"}, "output.column", "input_ids"),
        (["n"], {"format": "megatron", "column": "n"}, "output.column", "tokenise"),
        (["n"], {"format": "jsonl", "column": "n"}, "output.column", "megatron"),
        (["n"], {"format": "jsonl", "key": "n"}, "output.key", "webdataset"),
        (["n", "id"], {"format": "webdataset", "key": "idd"}, "output.key", "'id'"),
        (["x", "id"], {"format": "webdataset", "key": "x"}, "output.key", "whole number"),
        (["id"], {"format": "webdataset", "key": "id"}, "output.format", "beside the key"),
        (["id", "Id"], {"format": "webdataset"}, "output.format", "Rename"),
        (["a.b"], {"format": "webdataset"}, "output.format", "Rename"),
        (["n"], {"format": "mds", "compression": "zstd"}, "output.compression", "none"),
        (["a.b"], {"format": "lance"}, "output.format", "rename"),
        (["n"], {"format": "lance", "compression": "zstd"}, "output.compression", "none"),
        (["n"], {"format": "arrow", "compression": "gzip"}, "output.compression", "zstd"),
    ],
)
def test_it_is_refused(
    bench: Bench, columns: list[str], output: dict[str, str], where: str, told: str
) -> None:
    bench.write_rows("a.jsonl", [ROW])
    with pytest.raises(InvalidSpec) as caught:
        bench.plan([{"select": {"columns": columns}}], output=output)
    error = caught.value.extra["errors"][0]
    assert error["where"] == where
    assert told in f"{error['message']} {error['suggestion']!r}"
    assert not bench.files()


def test_an_unknown_format_is_refused_with_the_nearest(bench: Bench) -> None:
    bench.write_rows("a.jsonl", [ROW])
    with pytest.raises(InvalidSpec) as caught:
        bench.plan([{"select": {"columns": ["n"]}}], output={"format": "parquett"})
    (error,) = caught.value.extra["errors"]
    assert (error["where"], error["suggestion"]) == ("output.format", "parquet")
