"""Rows by the partition that their hash chooses."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from transforms.engine.row_hashes import Heads


def by_partition(rows: pa.RecordBatch, heads: Heads, partitions: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows of each partition, in the order they came."""
    partition = heads.astype(np.int64) * partitions >> 16
    order = np.argsort(partition, kind="stable")
    ends = np.cumsum(np.bincount(partition, minlength=partitions))
    for chosen in np.split(order, ends[:-1]):
        yield rows.take(chosen)
