"""Manifest differences: what sites lack, have otherwise or have beyond what is wanted.

Merkle roots and shard digests first: what is equal is never read. The rest is read once, in path
order, and joined stretch by stretch, so that memory does not grow with the manifests.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.digests import Digest, sha256_digest
from core.errors import IntegrityBroken
from core.manifest import SCHEMA

COLUMNS = ("path", "bytes", "sha256")
_NOTHING = pa.schema([SCHEMA.field(name) for name in COLUMNS]).empty_table()
_READ_AHEAD = 8
"""Shards of each side that are held at once: 32,768 files, some 5 MiB. Longer stretches are slower,
since they leave the processor's caches."""
_THREADS = 2


@dataclass(frozen=True, slots=True)
class ShardedManifest:
    """A manifest of which nothing has been read yet but its root and the digests of its shards."""

    root: Digest
    shards: Sequence[Digest]
    """In path order."""
    read: Callable[[Digest], bytes]
    """Returns the bytes of a shard; called from several threads, once for each shard at most."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs at a site within one stretch of paths: tables of path, bytes and sha256."""

    site: str
    missing: pa.Table
    """As it is wanted."""
    changed: pa.Table
    """As it is wanted, too: the site has other bytes under these paths."""
    extra: pa.Table
    """As the site has it."""


def differences(
    wanted: ShardedManifest, sites: Mapping[str, ShardedManifest]
) -> Iterator[Difference]:
    """Yield what differs at each site, in path order; nothing of a site whose root is the wanted.

    Reads each shard of `wanted` once for all sites, and none that all of them hold as it is; of a
    site only the shards that `wanted` does not hold. Memory: 32,768 rows a side, whatever they
    hold. Raises IntegrityBroken for a shard whose bytes are not those of its digest.
    """
    differing = {name: site for name, site in sites.items() if site.root != wanted.root}
    if differing:
        with ThreadPoolExecutor(_THREADS) as readers:
            yield from _Comparison(wanted, differing, readers).run()


class _Comparison:
    """All sides, advanced together from one path to the next that is known of each of them."""

    def __init__(
        self,
        wanted: ShardedManifest,
        sites: Mapping[str, ShardedManifest],
        readers: ThreadPoolExecutor,
    ) -> None:
        held = frozenset(wanted.shards)
        self._equal = {name: held & frozenset(site.shards) for name, site in sites.items()}
        everywhere = frozenset.intersection(*self._equal.values())
        self._wanted = _Cursor(wanted, everywhere, readers)
        self._sites = {
            name: _Cursor(site, self._equal[name], readers) for name, site in sites.items()
        }

    def run(self) -> Iterator[Difference]:
        sides = (self._wanted, *self._sites.values())
        while True:
            for side in sides:
                side.fill()
            ends = [end for side in sides if (end := side.known_until()) is not None]
            until = min(ends, default=None)
            here = self._wanted.take(until)
            for name, site in self._sites.items():
                asked = [rows for digest, rows in here if digest not in self._equal[name]]
                found = _compare(name, _joined(asked), _joined([r for _, r in site.take(until)]))
                if found is not None:
                    yield found
            if until is None:
                return


class _Cursor:
    """One side: its shards in order, some of them read ahead."""

    def __init__(
        self, manifest: ShardedManifest, passed_over: frozenset[Digest], readers: ThreadPoolExecutor
    ) -> None:
        self._left = deque(digest for digest in manifest.shards if digest not in passed_over)
        self._read = manifest.read
        self._readers = readers
        self._rows: deque[tuple[Digest, pa.Table]] = deque()

    def fill(self) -> None:
        """Read on when nothing that was read is left."""
        if self._rows:
            return
        digests = [self._left.popleft() for _ in islice(range(len(self._left)), _READ_AHEAD)]
        self._rows.extend(zip(digests, self._readers.map(self._table, digests), strict=True))

    def known_until(self) -> bytes | None:
        """Return the last path that was read; None once all is read, for any path is known then."""
        return _path(self._rows[-1][1], -1) if self._left else None

    def take(self, until: bytes | None) -> list[tuple[Digest, pa.Table]]:
        """Remove and return the rows up to a path, all that was read for None; by shard."""
        taken = []
        while self._rows:
            digest, rows = self._rows.popleft()
            count = len(rows) if until is None else _rows_up_to(rows, until)
            if count:
                taken.append((digest, rows.slice(0, count)))
            if count < len(rows):
                self._rows.appendleft((digest, rows.slice(count)))
                break
        return taken

    def _table(self, digest: Digest) -> pa.Table:
        data = self._read(digest)
        if (found := sha256_digest(data)) != digest:
            raise IntegrityBroken(
                f"A manifest shard hashes to {found}, its address is {digest}.",
                expected=digest,
                found=found,
            )
        file = pq.ParquetFile(pa.BufferReader(data), pre_buffer=False)
        return file.read(columns=list(COLUMNS), use_threads=False)


def _path(rows: pa.Table, index: int) -> bytes:
    path: str = rows["path"][index].as_py()
    return path.encode()


def _rows_up_to(rows: pa.Table, until: bytes) -> int:
    if _path(rows, -1) <= until:
        return len(rows)
    return bisect_right(range(len(rows)), until, key=lambda index: _path(rows, index))


def _joined(tables: Sequence[pa.Table]) -> pa.Table:
    return pa.concat_tables(tables).combine_chunks() if tables else _NOTHING


def _compare(name: str, wanted: pa.Table, there: pa.Table) -> Difference | None:
    """Join the rows of one stretch of paths; None when they are equal."""
    if wanted["path"].equals(there["path"]):
        changed = wanted.filter(_differs(wanted, there))
        return Difference(name, _NOTHING, changed, _NOTHING) if len(changed) else None
    places = pc.index_in(wanted["path"], value_set=there["path"])
    is_extra = np.ones(len(there), dtype=bool)
    is_extra[pc.drop_null(places).to_numpy()] = False
    return Difference(
        name,
        missing=wanted.filter(pc.is_null(places)),
        changed=wanted.filter(_differs(wanted, there.take(places))),  # null where it is missing
        extra=there.filter(pa.array(is_extra)),
    )


def _differs(one: pa.Table, other: pa.Table) -> pa.BooleanArray:
    return pc.or_(
        pc.not_equal(one["sha256"], other["sha256"]), pc.not_equal(one["bytes"], other["bytes"])
    )
