"""dedup_images: of images that look alike, keep the first of the whole run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pyarrow as pa

from transforms.engine.barriers.base import Desk
from transforms.engine.barriers.judging import Judging, Look
from transforms.engine.images import MOST_PIXELS, each_of, fingerprint, require_images, versions
from transforms.engine.near.hamming import KEYS, join, keys_for, link
from transforms.engine.operators.base import ColumnMap, filtered_by, identity
from transforms.engine.params import rule


@dataclass(frozen=True)
class DedupImages(Judging):
    """Keep the first of the images that look alike, whatever their size, format or quality.

    Two are alike if their fingerprints differ in at most `distance` of 64 bits: each bit says
    whether one of 9 by 8 areas is darker than its right neighbour, so colours do not count, and
    images of one colour are all alike. Every such pair is found. Images that are alike over others
    are one cluster, of which the first in (shard, row) order stays; the others go as
    `duplicate_image`. What is no image, or has too many pixels, stays: put `image_filter` before.
    """

    NAME: ClassVar[str] = "dedup_images"
    VERSION: ClassVar[int] = 1
    REASON: ClassVar[str] = "duplicate_image"
    KEY_BYTES: ClassVar[int] = 4 * 1024 * 1024 * 1024

    column: str = field(default="bytes", metadata=rule("The column with the bytes of images."))
    distance: int = field(
        default=3, metadata=rule("In how many bits they may differ.", minimum=0, maximum=7)
    )
    max_pixels: int = field(
        default=MOST_PIXELS,
        metadata=rule("Larger images are not decoded.", minimum=1, maximum=1_000_000_000),
    )

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        require_images(schema, self.column, "column")
        return schema

    def column_map(self, schema: pa.Schema) -> ColumnMap:
        return filtered_by((self.column,), {name: identity(name) for name in schema.names})

    def versions(self) -> Mapping[str, str]:
        return versions()

    def key_schema(self) -> pa.Schema:
        return KEYS

    def levels(self, partitions: int) -> tuple[int, ...]:
        return partitions, 1

    def look(self, batch: pa.RecordBatch, first_row: int) -> Look:
        found, _ = each_of(batch.column(self.column), self.max_pixels, fingerprint)
        rows = [at for at, each in enumerate(found) if each is not None]
        prints = np.array([each for each in found if each is not None], np.uint64)
        numbers = (np.array(rows, np.int64) + first_row).astype(np.uint32)
        keys = keys_for(prints, numbers, self.distance)
        heads = (keys.column(0).to_numpy() >> np.uint64(48)).astype(np.uint16)
        return Look(heads, keys)

    def work(self, desk: Desk, level: int, task: int) -> int:
        if level == 0:
            return link(desk, task, self.distance)
        return join(desk)
