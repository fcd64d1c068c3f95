"""Keys and names of tar archives: what is taken, and what a tar reader then finds."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid
from tests.transforms.written import write
from transforms.engine.arrow import array_of, values_of
from transforms.engine.output import Output
from transforms.engine.writing import tar

KEYED = Output("/a/~/b", "webdataset", key="id")
NAMES = st.lists(st.text("abé.", min_size=1, max_size=60), min_size=1, max_size=5).map("/".join)


def is_a_key(key: str) -> bool:
    """Say the rule again, component by component."""
    *folders, name = key.split("/")
    plain = all(folder not in {"", ".", ".."} for folder in folders)
    return plain and name != "" and "." not in name and "\0" not in key


@given(st.text("a./\0\né", max_size=8))
def test_a_key_is_taken_where_a_reader_would_find_it_again(
    tmp_path_factory: pytest.TempPathFactory, key: str
) -> None:
    folder = tmp_path_factory.mktemp("keyed")
    table = pa.table({"id": [key], "txt": ["one"]})
    if not is_a_key(key):
        with pytest.raises(Invalid, match="cannot be the key"):
            write(folder, "webdataset", table, output=KEYED)
        return
    (file,) = write(folder, "webdataset", table, output=KEYED)
    with tarfile.open(folder / file.path) as archive:
        assert archive.getnames() == [f"{key}.txt"]


@pytest.mark.parametrize("cuts", [(), (1,), (2,)])
def test_a_key_that_comes_twice_in_a_row_is_refused_wherever_batches_end(
    tmp_path: Path, cuts: tuple[int, ...]
) -> None:
    table = pa.table({"id": pa.array([7, 8, 8]), "txt": ["one", "two", "three"]})
    with pytest.raises(Invalid, match="the same key"):
        write(tmp_path, "webdataset", table, cuts, output=KEYED)


@given(st.lists(st.tuples(NAMES, st.integers(0, 8**11 - 1)), min_size=1, max_size=6))
def test_a_header_says_name_and_size_to_another_reader(told: list[tuple[str, int]]) -> None:
    names = array_of([name.encode() for name, _ in told], pa.large_binary())
    sizes = np.array([size for _, size in told])
    try:
        headers = tar.headers(names, sizes)
    except Invalid:
        assert any(len(name.encode()) > 100 for name, _ in told)
        return
    for header, (name, size) in zip(values_of(headers), told, strict=True):
        assert isinstance(header, bytes)
        found = tarfile.TarInfo.frombuf(header, "utf-8", "strict")
        assert (found.name, found.size) == (name, size)
