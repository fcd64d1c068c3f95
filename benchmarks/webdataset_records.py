"""Records as a data set of small pictures with captions has them, the same at every call."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

_GROUP_ROWS = 5000
_MOST_BYTES, _FEWEST_BYTES = 1400, 600
_JPEG = b"\xff\xd8\xff\xe0"
_WORDS = "a photo of the old harbour with boats people rain light and two dogs".split()  # noqa: SIM905


def write_records(path: Path, count: int) -> int:
    """Write `count` records (`key`, `jpg`, `txt`, `label`) as Parquet; return their bytes."""
    numbers = np.random.default_rng(7)
    pictures = [
        _JPEG + numbers.bytes(int(size))
        for size in numbers.integers(_FEWEST_BYTES, _MOST_BYTES, count)
    ]
    captions = [" ".join(numbers.choice(_WORDS, 9)) for _ in range(count)]
    table = pa.table(
        {
            "key": [f"{number:08d}" for number in range(count)],
            "jpg": pa.array(pictures, pa.binary()),
            "txt": captions,
            "label": pa.array(numbers.integers(0, 1000, count), pa.int64()),
        }
    )
    pq.write_table(table, path, row_group_size=_GROUP_ROWS)
    return sum(map(len, pictures)) + sum(map(len, captions))
