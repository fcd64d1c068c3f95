"""The two levels behind near_dedup: candidates of each partition, then the clusters of all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from transforms.engine.arrow import AnyField, numbers_in
from transforms.engine.barriers.base import Desk
from transforms.engine.barriers.files import read_batch, read_batches, write_batches
from transforms.engine.barriers.judging import keys_of, name_rows
from transforms.engine.hashing import Words
from transforms.engine.near.candidates import Buckets, Prints
from transforms.engine.near.clusters import Forest, Pairs, Places, clusters, joined
from transforms.engine.near.exact import Sets
from transforms.engine.near.shingles import Indices

PRINTS = "prints"
SHINGLES = "shingles"
ROW_BITS = 32
"""A document is known by its unit, then so many bits of its row: the order of the run."""
SHINGLES_AT_ONCE = 32 * 1024 * 1024
Lists: TypeAlias = "pa.ListArray[pa.UInt32Scalar]"
_PAIR_FIELDS: list[AnyField] = [
    pa.field("one", pa.int64()),
    pa.field("other", pa.int64()),
    pa.field("shingles", pa.int64()),
]
_PAIRS = pa.schema(_PAIR_FIELDS)


@dataclass(frozen=True, slots=True)
class _Noted:
    """What was noted of some documents."""

    prints: Prints
    shingles: Indices
    """How many, with repeats."""


def link(desk: Desk, partition: int, places: int, threshold: float) -> int:
    """Write which documents of a partition of the bands are alike, and which may be.

    Memory: about 30 bytes for each key of the partition, and two for each place of the sketch of
    each document that shares a key.
    """
    buckets = Buckets(*_keys(desk, partition))
    noted = _noted(desk, buckets.documents, places)
    found = buckets.judged(noted.prints, threshold)
    sizes = np.zeros(len(found.doubtful), np.int64)
    for side in (found.doubtful.one, found.doubtful.other):
        sizes += noted.shingles[np.searchsorted(buckets.documents, side)]
    batches = [
        _batch(found.sure, np.zeros(len(found.sure), np.int64)),
        _batch(found.doubtful, sizes),
    ]
    write_batches(desk.scratch, desk.found_key(0, partition), _PAIRS, batches)
    return len(found.sure)


def _batch(pairs: Pairs, shingles: Indices) -> pa.RecordBatch:
    arrays = [pa.array(pairs.one), pa.array(pairs.other), pa.array(shingles)]
    return pa.RecordBatch.from_arrays(arrays, schema=_PAIRS)


def _keys(desk: Desk, partition: int) -> tuple[Words, Indices]:
    """Return the hashes of a partition and the documents they are of, in the order of the run."""
    hashes: list[Words] = []
    documents: list[Indices] = []
    for unit, keys in enumerate(keys_of(desk, partition)):
        hashes.append(keys.column(0).to_numpy())
        documents.append(keys.column(1).to_numpy().astype(np.int64) + (unit << ROW_BITS))
    return np.concatenate(hashes), np.concatenate(documents)


def _by_unit(desk: Desk, documents: Indices) -> Iterator[tuple[int, slice, Indices]]:
    """Yield each unit that has any of `documents`, where those are, and their rows."""
    edges = np.searchsorted(documents, np.arange(desk.units + 1) << ROW_BITS)
    for unit in np.flatnonzero(np.diff(edges)).tolist():
        chosen = slice(edges[unit], edges[unit + 1])
        yield unit, chosen, documents[chosen] - (unit << ROW_BITS)


def _noted(desk: Desk, documents: Indices, places: int) -> _Noted:
    """Return the sketches of `documents`; each unit that has any of them is read once."""
    found = _Noted(
        np.zeros((len(documents), places), np.uint16), np.zeros(len(documents), np.int64)
    )
    for unit, chosen, rows in _by_unit(desk, documents):
        batches = list(read_batches(desk.scratch.source(desk.notes_key(unit, PRINTS))))
        prints = [numbers_in(each.column(0).buffers()[1], np.uint16) for each in batches]
        found.prints[chosen] = np.concatenate(prints).reshape(-1, places)[rows]
        counts = [each.column(1).to_numpy() for each in batches]
        found.shingles[chosen] = np.concatenate(counts)[rows]
    return found


def join(desk: Desk, threshold: float) -> int:
    """Look at what is doubtful, and write which documents are not the first of their cluster.

    Memory: about 100 bytes for each document that is or may be like another, and 20 for each of
    SHINGLES_AT_ONCE shingles of doubtful ones.
    """
    sure, doubtful, sizes = joined([]), [joined([])], [np.zeros(0, np.int64)]
    for task in range(desk.partitions):
        source = desk.scratch.source(desk.found_key(0, task))
        sure = clusters(joined([sure, _pairs(read_batch(source, 0))]))
        batch = read_batch(source, 1)
        doubtful.append(_pairs(batch))
        sizes.append(batch.column(2).to_numpy())
    sure = _settled(desk, sure, joined(doubtful), np.concatenate(sizes), threshold)
    dropped = np.sort(sure.one)
    edges = np.searchsorted(dropped, np.arange(1, desk.units) << ROW_BITS)
    rows = [each.astype(np.uint32) for each in np.split(dropped, edges)]
    return name_rows(desk, 1, 0, rows)


def _pairs(batch: pa.RecordBatch) -> Pairs:
    return Pairs(batch.column(0).to_numpy(), batch.column(1).to_numpy())


def _settled(desk: Desk, sure: Pairs, doubtful: Pairs, sizes: Indices, threshold: float) -> Pairs:
    """Return the clusters of what is sure and of those doubtful pairs that are alike in truth."""
    order: Places = np.lexsort((doubtful.other, doubtful.one))
    numbered, names = joined([sure, doubtful.where(order)]).numbered()
    forest = Forest(len(names))
    forest.join(numbered.one[: len(sure)], numbered.other[: len(sure)])
    pairs = numbered.where(slice(len(sure), None))
    group = np.cumsum(sizes[order]) // SHINGLES_AT_ONCE
    for number in np.unique(group).tolist():
        some = pairs.where(group == number)
        some = some.where(forest.apart(some.one, some.other)).unique()
        alike = some.where(_similarities(desk, some.named(names)) >= threshold)
        forest.join(alike.one, alike.other)
    return Pairs(*forest.below()).named(names)


def _similarities(desk: Desk, pairs: Pairs) -> npt.NDArray[np.float64]:
    """Return the true similarity of each pair, from the shingles that were noted."""
    numbered, documents = pairs.numbered()
    owners = [np.zeros(0, np.int64)]
    hashes = [np.zeros(0, np.uint32)]
    for unit, chosen, rows in _by_unit(desk, documents):
        start = 0
        for batch in read_batches(desk.scratch.source(desk.notes_key(unit, SHINGLES))):
            first, last = np.searchsorted(rows, [start, start + batch.num_rows])
            lists = cast("Lists", batch.column(0)).take(rows[first:last] - start)
            numbers = np.arange(chosen.start + first, chosen.start + last)
            owners.append(np.repeat(numbers, lists.value_lengths().to_numpy()))
            hashes.append(lists.flatten().to_numpy())
            start += batch.num_rows
    sets = Sets(np.concatenate(owners), np.concatenate(hashes), len(documents))
    return sets.similarities(numbered)
