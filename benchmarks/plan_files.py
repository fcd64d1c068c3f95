"""Planning over files: what three sites lack, have otherwise or have beyond ten million files.

Each site's manifest differs from the wanted one in 1 % of its files, in three parts: missing,
changed, extra. They lie scattered, so that every shard of every side differs and has to be read and
joined (the worst there is, and what the goals are for); and, as a second figure without a goal,
changed in place and gathered in a few stretches, as when folders are written anew. The counts found
must be those that were put in. Manifests lie on disk as Parquet shards of 4,096 files, written
before the clock runs; memory is the most that the process held.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.harness import MIB, Figure, finish, options, print_conditions, run
from core.digests import Digest, sha256_digest
from core.manifest import SCHEMA, SHARD_FILES, merkle_root
from movement.engine.manifest_diff import ShardedManifest, differences

FILES, QUICK_FILES = 10_000_000, 200_000
SITES = ("eu", "pt", "us")
WANTED = "wanted"
SHARE = 0.01
SEED = 20_261_128
GOAL_SECONDS, GOAL_MIB = 20.0, 2048.0
_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
_STRETCH = 20_000
"""Differences that lie together when they are gathered."""


def main() -> int:
    if len(sys.argv) > 1 and sys.argv[1] == "compare":
        return compare(Path(sys.argv[2]))
    asked = options(__doc__, pairs=3)
    count = QUICK_FILES if asked.quick else FILES
    told = f"{count:,} files wanted at {len(SITES)} sites, {SHARE:.0%} of each differing"
    print_conditions(asked, f"{told}, shards of {SHARD_FILES:,}, seed {SEED}", ["pyarrow"])
    figures = []
    with tempfile.TemporaryDirectory(prefix="fairmesh-plan-files-") as folder:
        for kind in ("scattered", "gathered"):
            home = Path(folder) / kind
            put_in = build(home, count, gathered=kind == "gathered")
            found = [measured(home, put_in) for _ in range(asked.pairs)]
            seconds, cpu, peaks = zip(*found, strict=True)
            told = ", ".join(f"{one:.1f}" for one in seconds)
            print(f"{kind}: {told} s, load {os.getloadavg()[0]:.1f}", flush=True)
            judged = kind == "scattered"
            figures += [
                figure(
                    f"plan_files_{kind}", median(seconds), "s", GOAL_SECONDS if judged else None
                ),
                figure(f"plan_files_{kind}_cpu", median(cpu), "s", None),
                figure(
                    f"plan_files_{kind}_memory", max(peaks), "MiB", GOAL_MIB if judged else None
                ),
            ]
    return finish(figures, judge=not asked.quick)


def figure(name: str, value: float, unit: str, most: float | None) -> Figure:
    if most is None:
        return Figure(name, value, unit)
    return Figure(name, value, unit, None, most / value, 1.0)


def measured(home: Path, put_in: dict[str, dict[str, int]]) -> tuple[float, float, float]:
    """Compare in a process of its own; return seconds, those of the processor, and peak MiB."""
    ran = run([sys.executable, "-m", "benchmarks.plan_files", "compare", home], {}, home / "log")
    answer = json.loads(ran.output.strip().splitlines()[-1])
    if answer["found"] != put_in:
        sys.exit(f"put in: {put_in}\nfound: {answer['found']}")
    return answer["seconds"], answer["cpu_seconds"], ran.peak_bytes / MIB


def compare(home: Path) -> int:
    """Find what differs; print how many of each kind and the seconds, the imports left out."""
    sides = {name: _side(home / name) for name in (WANTED, *SITES)}
    # pyarrow imports pandas at its first array where pandas is there: an import like the others
    pa.array([], pa.string())
    began, began_cpu = time.perf_counter(), time.process_time()
    found: Counter[tuple[str, str]] = Counter()
    for each in differences(sides.pop(WANTED), sides):
        for kind in ("missing", "changed", "extra"):
            found[each.site, kind] += len(getattr(each, kind))
    seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    told = {
        site: {kind: found[site, kind] for kind in ("missing", "changed", "extra")}
        for site in sides
    }
    print(json.dumps({"found": told, "seconds": seconds, "cpu_seconds": cpu}))
    return 0


def _side(folder: Path) -> ShardedManifest:
    digests = [Digest(line) for line in (folder / "shards").read_text().split()]
    return ShardedManifest(
        merkle_root(digests), digests, lambda digest: (folder / digest[7:]).read_bytes()
    )


# -- the manifests


def build(home: Path, count: int, *, gathered: bool) -> dict[str, dict[str, int]]:
    """Write the manifests; return how many files are missing, changed and extra at each site."""
    writers = {name: _Writer(home / name) for name in (WANTED, *SITES)}
    touched = {site: _touched(site, count, gathered=gathered) for site in SITES}
    put_in = {site: Counter(missing=0, changed=0, extra=0) for site in SITES}
    for start in range(0, count, SHARD_FILES):
        numbers = np.arange(start, min(start + SHARD_FILES, count))
        table = _rows(numbers, "", start)
        writers[WANTED].add(table)
        for site in SITES:
            writers[site].add(_at_site(table, numbers, touched[site], put_in[site]))
    for writer in writers.values():
        writer.close()
    return {site: dict(counted) for site, counted in put_in.items()}


def _touched(site: str, count: int, *, gathered: bool) -> np.ndarray:
    """Return for each file 0 when it is at the site as wanted, else 1, 2 or 3 (see `_at_site`)."""
    draw = np.random.default_rng([SEED, SITES.index(site)])
    wanted = int(count * SHARE)
    if gathered:
        stretch = min(_STRETCH, wanted)
        starts = random.Random(f"{SEED}{site}").sample(range(count // stretch), wanted // stretch)
        where = np.concatenate([np.arange(s * stretch, (s + 1) * stretch) for s in starts])
    else:
        where = draw.choice(count, wanted, replace=False)
    marks = np.zeros(count, dtype=np.uint8)
    marks[where] = 2 if gathered else draw.integers(1, 4, len(where))
    return marks


def _at_site(
    table: pa.Table, numbers: np.ndarray, touched: np.ndarray, put_in: Counter[str]
) -> pa.Table:
    """Return the rows as a site has them: 1 is missing, 2 has other bytes, 3 has one beside it."""
    marks = touched[numbers]
    if not marks.any():
        return table
    changed, extra = numbers[marks == 2], numbers[marks == 3]
    put_in.update(missing=int((marks == 1).sum()), changed=len(changed), extra=len(extra))
    parts = [
        table.filter(pa.array((marks != 1) & (marks != 2))),
        _rows(changed, "", -1 - int(numbers[0])),
        _rows(extra, "-beside", -2 - int(numbers[0])),
    ]
    return pa.concat_tables(parts).sort_by("path")


def _rows(numbers: np.ndarray, suffix: str, seed: int) -> pa.Table:
    """Return rows of files of one chunk, whose sizes and digests follow from the seed."""
    draw = np.random.default_rng([SEED, abs(seed), int(seed < 0), len(suffix)])
    paths = [f"train/{n // 10_000:05d}/document-{n:09d}{suffix}.parquet" for n in numbers.tolist()]
    sha256 = _hex_strings(draw, len(numbers))
    crc32c = pa.array(draw.integers(0, 2**32, len(numbers), dtype=np.uint32))
    chunk = pa.StructArray.from_arrays(
        [sha256, crc32c], fields=list(SCHEMA.field("chunks").type.value_type)
    )
    offsets = pa.array(range(len(numbers) + 1), pa.int32())
    return pa.table(
        [
            pa.array(paths, pa.string()),
            pa.array(draw.integers(1, 16 * MIB, len(numbers))),
            sha256,
            pa.repeat("application/vnd.apache.parquet", len(numbers)),
            pa.nulls(len(numbers), pa.int64()),
            pa.ListArray.from_arrays(offsets, chunk, type=SCHEMA.field("chunks").type),
        ],
        schema=SCHEMA,
    )


def _hex_strings(draw: np.random.Generator, count: int) -> pa.StringArray:
    data = _HEX[draw.integers(0, 16, count * 64, dtype=np.uint8)]
    offsets = np.arange(0, (count + 1) * 64, 64, dtype=np.int32)
    return pa.StringArray.from_buffers(
        count, pa.py_buffer(offsets.tobytes()), pa.py_buffer(data.tobytes())
    )


class _Writer:
    """Writes rows as they come into shards of the size that manifests have."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._digests: list[str] = []
        self._held: pa.Table = SCHEMA.empty_table()

    def add(self, table: pa.Table) -> None:
        self._held = pa.concat_tables([self._held, table]) if len(self._held) else table
        while len(self._held) >= SHARD_FILES:
            self._write(self._held.slice(0, SHARD_FILES))
            self._held = self._held.slice(SHARD_FILES)

    def close(self) -> None:
        if len(self._held):
            self._write(self._held)
        (self._folder / "shards").write_text("\n".join(self._digests))

    def _write(self, table: pa.Table) -> None:
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd", version="2.6", write_statistics=True)
        data = sink.getvalue().to_pybytes()
        digest = sha256_digest(data)
        (self._folder / digest[7:]).write_bytes(data)
        self._digests.append(digest)


if __name__ == "__main__":
    sys.exit(main())
