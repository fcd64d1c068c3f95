"""Exact deduplication across shards: keys out of each shard, duplicates back to each shard.

A key file holds one Arrow batch for each hash partition, so that the reducer of a partition reads
only its own. A duplicates file holds one batch for each shard.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from transforms.engine.arrow import AnyField, file_of, numbers_in
from transforms.engine.operators.dedup_exact import HASH_BYTES
from transforms.engine.sources import ByteSource, RangedFile

_KEY_FIELDS: list[AnyField] = [
    pa.field("hash", pa.binary(HASH_BYTES)),
    pa.field("row", pa.uint32()),
]
KEYS = pa.schema(_KEY_FIELDS)
DUPLICATES = pa.schema([("row", pa.uint32())])
Hashes = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.uint32]


def write_keys(stream: BinaryIO, hashes: Hashes, partitions: int) -> None:
    """Write the (rows, 16) `hashes` of a shard, row order kept within each partition."""
    head = hashes[:, 0].astype(np.int64) << 8 | hashes[:, 1]
    partition = head * partitions >> 16
    order = np.argsort(partition, kind="stable")
    ends = np.cumsum(np.bincount(partition, minlength=partitions))
    with pa.ipc.new_file(file_of(stream), KEYS) as writer:
        for rows in np.split(order, ends[:-1]):
            data = pa.py_buffer(cast("memoryview", np.ascontiguousarray(hashes[rows])))
            packed = pa.Array.from_buffers(pa.binary(HASH_BYTES), len(rows), [None, data])
            row = pa.array(rows.astype(np.uint32))
            writer.write_batch(pa.RecordBatch.from_arrays([packed, row], schema=KEYS))


def read_keys(source: ByteSource, partition: int) -> tuple[Hashes, Rows]:
    """Return the hashes and the rows of one partition of a shard's key file."""
    with pa.ipc.open_file(pa.PythonFile(RangedFile(source), mode="r")) as reader:
        batch = reader.get_batch(partition)
    packed = batch.column(0)
    start = packed.offset * HASH_BYTES
    length = batch.num_rows * HASH_BYTES
    data = numbers_in(packed.buffers()[1], np.uint8)[start : start + length]
    return data.reshape(-1, HASH_BYTES), batch.column(1).to_numpy()


def duplicates(keys: Sequence[tuple[Hashes, Rows]]) -> list[Rows]:
    """Return for each shard the rows to drop, ascending: all but the first (shard, row) of a hash.

    Memory: about 60 bytes for each row of the partition.
    """
    hashes = np.concatenate([each for each, _ in keys])
    rows = np.concatenate([each for _, each in keys])
    shards = np.repeat(np.arange(len(keys)), [len(each) for _, each in keys])
    words = np.ascontiguousarray(hashes).view(np.uint64).reshape(-1, 2)
    order = np.lexsort((words[:, 1], words[:, 0]))  # stable: equal hashes stay in shard, row order
    ordered = words[order]
    repeats = np.zeros(len(order), np.bool_)
    repeats[1:] = (ordered[1:] == ordered[:-1]).all(axis=1)
    losers = order[repeats]
    return [np.sort(rows[losers[shards[losers] == shard]]) for shard in range(len(keys))]


def write_duplicates(stream: BinaryIO, found: Sequence[Rows]) -> None:
    with pa.ipc.new_file(file_of(stream), DUPLICATES) as writer:
        for rows in found:
            writer.write_batch(pa.RecordBatch.from_arrays([pa.array(rows)], schema=DUPLICATES))


def read_duplicates(sources: Sequence[ByteSource], shard: int, rows: int) -> npt.NDArray[np.bool_]:
    """Return which of the `rows` rows of `shard` are duplicates, out of all partitions' files."""
    dropped = np.zeros(rows, np.bool_)
    for source in sources:
        with pa.ipc.open_file(pa.PythonFile(RangedFile(source), mode="r")) as reader:
            dropped[reader.get_batch(shard).column(0).to_numpy()] = True
    return dropped
