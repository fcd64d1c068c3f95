"""near_dedup: of documents that are nearly the same, keep the first of the whole run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, cast

import numpy as np
import pyarrow as pa

from transforms.engine.arrow import AnyField, Column, text_of
from transforms.engine.barriers.base import Desk
from transforms.engine.barriers.judging import Judging, Look
from transforms.engine.near.linking import PRINTS, SHINGLES, join, link
from transforms.engine.near.shingles import Indices, Shingles, shingles_of
from transforms.engine.near.sketch import Bands, Sketch, sketches
from transforms.engine.operators.base import ColumnMap, filtered_by, identity
from transforms.engine.params import rule
from transforms.engine.problems import require_text

_KEY_FIELDS: list[AnyField] = [pa.field("hash", pa.uint64()), pa.field("row", pa.uint32())]
_KEYS = pa.schema(_KEY_FIELDS)
_SHINGLES = pa.schema([("shingles", pa.list_(pa.uint32()))])


@dataclass(frozen=True)
class NearDedup(Judging):
    """Keep the first of the texts that share most of their sequences of words.

    Two texts are alike if the sets of their shingles, runs of `shingle_words` words as they stand,
    have a Jaccard similarity of at least `threshold`. Candidates are found by bands of MinHash
    sketches, which find 99 of 100 pairs that are just so alike and nearly all that are more; what
    the sketches leave in doubt is counted out. Texts that are alike over others are one cluster, of
    which the first in (shard, row) order stays. Words are what white space parts; a text without
    any stays. Put `normalise` or other steps before it where case or form should not count.
    """

    NAME: ClassVar[str] = "near_dedup"
    VERSION: ClassVar[int] = 1
    REASON: ClassVar[str] = "near_duplicate"
    KEY_BYTES: ClassVar[int] = 128 * 1024 * 1024

    column: str = field(metadata=rule("The column of texts."))
    threshold: float = field(
        default=0.8, metadata=rule("How alike is too much.", minimum=0.3, maximum=1)
    )
    shingle_words: int = field(
        default=5, metadata=rule("Words in a shingle.", minimum=1, maximum=100)
    )
    hashes: int = field(
        default=128,
        metadata=rule("Places of a sketch: more leave less in doubt.", minimum=16, maximum=1024),
    )

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        require_text(schema, self.column, "column")
        return schema

    def column_map(self, schema: pa.Schema) -> ColumnMap:
        return filtered_by((self.column,), {name: identity(name) for name in schema.names})

    def key_schema(self) -> pa.Schema:
        return _KEYS

    def note_schemas(self) -> Mapping[str, pa.Schema]:
        fields: list[AnyField] = [
            pa.field("print", pa.binary(2 * self.hashes)),
            pa.field("shingles", pa.uint32()),
        ]
        return {PRINTS: pa.schema(fields), SHINGLES: _SHINGLES}

    def levels(self, partitions: int) -> tuple[int, ...]:
        return partitions, 1

    def _bands(self) -> Bands:
        return Bands.fitting(self.hashes, self.threshold)

    def look(self, batch: pa.RecordBatch, first_row: int) -> Look:
        """Return a key for each band of each text; its sketch and its shingles are the notes.

        Both are shortened there, to 16 bits a place and 32 bits a shingle.
        """
        found = shingles_of(text_of(batch.column(self.column)), self.shingle_words)
        sketch, sizes = sketches(found, self.hashes), found.sizes()
        rows = np.flatnonzero(sizes)
        hashes = self._bands().hashes(sketch[rows]).reshape(-1)
        numbers = np.repeat(rows + first_row, self._bands().count).astype(np.uint32)
        keys = pa.RecordBatch.from_arrays([pa.array(hashes), pa.array(numbers)], schema=_KEYS)
        notes = {PRINTS: self._prints(sketch, sizes), SHINGLES: _lists(found)}
        return Look((hashes >> np.uint64(48)).astype(np.uint16), keys, notes)

    def _prints(self, sketch: Sketch, sizes: Indices) -> pa.RecordBatch:
        data = pa.py_buffer(cast("memoryview", sketch.astype(np.uint16)))
        packed = pa.Array.from_buffers(pa.binary(2 * self.hashes), len(sketch), [None, data])
        arrays: list[Column] = [packed, pa.array(sizes.astype(np.uint32))]
        return pa.RecordBatch.from_arrays(arrays, schema=self.note_schemas()[PRINTS])

    def work(self, desk: Desk, level: int, task: int) -> int:
        if level == 0:
            return link(desk, task, self.hashes, self.threshold)
        return join(desk, self.threshold)


def _lists(found: Shingles) -> pa.RecordBatch:
    offsets = pa.array(np.append(0, np.cumsum(found.sizes())), pa.int32())
    members = cast("pa.UInt32Array", pa.array(found.hashes.astype(np.uint32)))
    lists: Column = pa.ListArray.from_arrays(offsets, members)
    return pa.RecordBatch.from_arrays([lists], schema=_SHINGLES)
