"""What units leave for each other may lie in an object store, where every question costs."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pytest

from transforms.engine.barriers.files import read_batch, read_batches, write_batches
from transforms.engine.sources import MemoryFolder, MemorySource

SCHEMA = pa.schema([("n", pa.int64())])


class Asked:
    """Bytes of which every question for a part is kept."""

    def __init__(self, data: bytes) -> None:
        self._held = MemorySource(data)
        self.size = len(data)
        self.lengths: list[int] = []

    def read_range(self, offset: int, length: int) -> bytes:
        self.lengths.append(length)
        return self._held.read_range(offset, length)

    def open(self) -> BinaryIO:
        raise AssertionError("a stream over all bytes was asked for")


def written(rows: int, batches: int) -> tuple[Asked, list[pa.RecordBatch]]:
    numbers = np.arange(rows * batches).reshape(batches, rows)
    made = [pa.RecordBatch.from_arrays([pa.array(each)], schema=SCHEMA) for each in numbers]
    folder = MemoryFolder()
    write_batches(folder, "key", SCHEMA, made)
    return Asked(folder.objects["key"]), made


@pytest.mark.parametrize("batches", [0, 1, 7])
def test_all_of_a_short_one_comes_with_one_question(batches: int) -> None:
    source, made = written(100, batches)
    assert list(read_batches(source)) == made
    assert source.lengths == [source.size]


def test_of_a_long_one_no_more_than_the_batch_is_fetched() -> None:
    source, made = written(10_000, 40)
    assert read_batch(source, 31) == made[31]
    assert sum(source.lengths) < 2 * made[31].nbytes < source.size / 10
