"""The two levels behind dedup_images: pairs of fingerprints that differ in few bits, exactly.

A fingerprint of 64 bits is cut into one band more than bits may differ. Two that differ in no more
agree in one band at least, so every such pair meets under the hash of a band.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from transforms.engine.arrow import AnyField, Column
from transforms.engine.barriers.base import Desk
from transforms.engine.barriers.files import read_batch, write_batches
from transforms.engine.barriers.judging import keys_of, name_rows
from transforms.engine.hashing import Words, mixed
from transforms.engine.near.clusters import Pairs, clusters, joined
from transforms.engine.near.linking import ROW_BITS
from transforms.engine.near.shingles import Indices

_KEY_FIELDS: list[AnyField] = [
    pa.field("hash", pa.uint64()),
    pa.field("row", pa.uint32()),
    pa.field("print", pa.uint64()),
]
KEYS = pa.schema(_KEY_FIELDS)
_PAIR_FIELDS: list[AnyField] = [pa.field("one", pa.int64()), pa.field("other", pa.int64())]
_PAIRS = pa.schema(_PAIR_FIELDS)


def band_hashes(prints: Words, distance: int) -> npt.NDArray[np.uint64]:
    """Return a hash for each band of each fingerprint, as (fingerprints, distance + 1)."""
    edges = np.linspace(0, 64, distance + 2).round().astype(int)
    bands = [
        (prints >> np.uint64(first)) & np.uint64(2 ** int(end - first) - 1)
        for first, end in itertools.pairwise(edges)
    ]
    numbered = [band ^ mixed(np.full(1, at + 1, np.uint64)) for at, band in enumerate(bands)]
    return mixed(np.stack(numbered, axis=1))


def keys_for(prints: Words, rows: npt.NDArray[np.uint32], distance: int) -> pa.RecordBatch:
    """Return a key for each band of each fingerprint; `rows` ascend."""
    bands = distance + 1
    hashes = band_hashes(prints, distance).reshape(-1)
    arrays: list[Column] = [
        pa.array(hashes),
        pa.array(np.repeat(rows, bands), pa.uint32()),
        pa.array(np.repeat(prints, bands)),
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=KEYS)


@dataclass(frozen=True, slots=True)
class _Bucketed:
    """Documents in order of their hash, then their fingerprint, then the run."""

    hashes: Words
    prints: Words
    documents: Indices

    def where(self, chosen: npt.NDArray[np.bool_]) -> _Bucketed:
        return _Bucketed(self.hashes[chosen], self.prints[chosen], self.documents[chosen])


def link(desk: Desk, partition: int, distance: int) -> int:
    """Write the clusters of a partition of the bands; return how many documents are not the first.

    Memory: about 80 bytes for each key of the partition. Time: the square of how many fingerprints
    agree in a band, a billion pairs in some seconds.
    """
    found = clusters(alike(_bucketed(desk, partition), distance))
    arrays = [pa.array(found.one), pa.array(found.other)]
    batch = pa.RecordBatch.from_arrays(arrays, schema=_PAIRS)
    write_batches(desk.scratch, desk.found_key(0, partition), _PAIRS, [batch])
    return len(found)


def join(desk: Desk) -> int:
    """Write which documents are not the first of their cluster, over all partitions.

    Memory: about 100 bytes for each document that is like another one.
    """
    found = joined([])
    for task in range(desk.partitions):
        batch = read_batch(desk.scratch.source(desk.found_key(0, task)), 0)
        fresh = Pairs(batch.column(0).to_numpy(), batch.column(1).to_numpy())
        found = clusters(joined([found, fresh]))
    dropped = np.sort(found.one)
    edges = np.searchsorted(dropped, np.arange(1, desk.units) << ROW_BITS)
    rows = [(each & (2**ROW_BITS - 1)).astype(np.uint32) for each in np.split(dropped, edges)]
    return name_rows(desk, 1, 0, rows)


def _bucketed(desk: Desk, partition: int) -> _Bucketed:
    hashes, prints = [np.zeros(0, np.uint64)], [np.zeros(0, np.uint64)]
    documents = [np.zeros(0, np.int64)]
    for unit, keys in enumerate(keys_of(desk, partition)):
        hashes.append(keys.column(0).to_numpy())
        documents.append(keys.column(1).to_numpy().astype(np.int64) + (unit << ROW_BITS))
        prints.append(keys.column(2).to_numpy())
    whole = _Bucketed(np.concatenate(hashes), np.concatenate(prints), np.concatenate(documents))
    order = np.lexsort((whole.documents, whole.prints, whole.hashes))
    return _Bucketed(whole.hashes[order], whole.prints[order], whole.documents[order])


def alike(found: _Bucketed, distance: int) -> Pairs:
    """Return pairs that connect all documents under one hash that differ in so few bits."""
    again = np.zeros(len(found.hashes), np.bool_)
    again[1:] = (found.hashes[1:] == found.hashes[:-1]) & (found.prints[1:] == found.prints[:-1])
    places = np.flatnonzero(again)
    pairs = [Pairs(found.documents[places - 1], found.documents[places])]
    different = found.where(~again)
    left, step = np.arange(len(different.hashes)), 0
    while len(left):
        step += 1
        left = left[left + step < len(different.hashes)]
        left = left[different.hashes[left] == different.hashes[left + step]]
        apart = np.bitwise_count(different.prints[left] ^ different.prints[left + step])
        near = left[apart <= distance]
        pairs.append(Pairs(different.documents[near], different.documents[near + step]))
    return joined(pairs)
