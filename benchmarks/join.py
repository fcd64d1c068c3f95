"""Two inputs with a key in common: our join beside those of polars and DuckDB.

Pages and notes lie as Parquet, an address stands in one note at most, and the joined rows are
written as Parquet, zstd at level 3, with two cores each. Ours writes a part for each share of the
keys, hashes it, and accounts for every row. Every run must leave the same rows, in any order.

After that both inputs are larger than the memory that a run may have: ours alone, and DuckDB when
it is told the same limit. The peers run in environments of their own, made from the package index.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchmarks.harness import (
    MIB,
    Figure,
    Options,
    Ran,
    finish,
    options,
    paired,
    print_conditions,
    program,
    run,
    spread,
)
from benchmarks.join_corpus import Corpus, Size, write_join_corpus

PEERS = ("polars", "duckdb")
SIZES = ("within", "beyond")
"""Whether the inputs fit into memory."""
WITHIN, QUICK_WITHIN = Size(2_000_000, 240, 500_000, 120), Size(100_000, 240, 25_000, 120)
BEYOND, QUICK_BEYOND = (
    Size(16_000_000, 300, 8_000_000, 380),
    Size(400_000, 300, 200_000, 380),
)
LIMIT_MIB = 1024
"""What a run on inputs beyond it may hold."""


@dataclass(frozen=True)
class Rows:
    """What a run left: as many rows, and all their values in any order."""

    count: int
    values: int


@dataclass(frozen=True)
class Bench:
    root: Path
    corpus: Corpus

    def ours(self) -> tuple[Ran, Rows]:
        environment = {"ARROW_DEFAULT_MEMORY_POOL": "jemalloc"}  # as in config/celery.py
        return self._run([sys.executable, "-m", "benchmarks.join_ours"], environment)

    def peer(self, name: str, mebibytes: int | None = None) -> tuple[Ran, Rows]:
        words: list[str | Path] = [program("uv"), "run", "--quiet", "--isolated", "--no-project"]
        words += ["--with", name, "python", "-P", Path(__file__).with_name("join_peer.py"), name]
        return self._run(words, {"PYTHONPATH": ""}, *([] if mebibytes is None else [mebibytes]))

    def _run(
        self, command: list[str | Path], environment: dict[str, str], *more: int
    ) -> tuple[Ran, Rows]:
        with tempfile.TemporaryDirectory(dir=self.root) as home:
            folder = Path(home) / "output"
            folder.mkdir()
            words = [*command, self.corpus.pages, self.corpus.notes, folder, *map(str, more)]
            ran = run(words, environment, self.root / "log")
            found = rows_in(folder)
        if found.count != self.corpus.matches:
            sys.exit(f"{command[-1]} left {found.count} rows, not {self.corpus.matches}.")
        return ran, found


def rows_in(folder: Path) -> Rows:
    """Add up the hashes of all rows, so that their order does not matter."""
    with duckdb.connect() as connection:
        connection.execute(
            "SELECT count(*), sum(hash(id, url, text, score, note)::HUGEINT) "
            f"FROM read_parquet('{folder}/**/*.parquet')"
        )
        ((count, values),) = connection.fetchall()
    return Rows(count, values)


@contextmanager
def corpus_of(root: Path, size: Size) -> Iterator[Bench]:
    """Write inputs, and take them away again: those beyond memory are some gigabytes."""
    folder = root / "corpus"
    corpus = write_join_corpus(folder, size)
    print(f"{size.pages} pages, {size.notes} notes, {corpus.bytes / 1e6:.0f} MB", flush=True)
    yield Bench(root, corpus)
    shutil.rmtree(folder)


def within(bench: Bench, asked: Options) -> list[Figure]:
    """Ours and each peer in turns, by MB of input."""
    size = bench.corpus.bytes / 1e6
    speeds: dict[str, list[tuple[float, float]]] = {name: [] for name in PEERS}
    peaks: dict[str, list[tuple[float, float]]] = {name: [] for name in PEERS}
    for _ in range(asked.pairs):
        ours, expected = bench.ours()
        for name in PEERS:
            peer, found = bench.peer(name)
            _check(name, found, expected)
            speeds[name].append((size / _seconds(ours), size / _seconds(peer)))
            peaks[name].append((ours.peak_bytes / MIB, peer.peak_bytes / MIB))
    figures = []
    for name in PEERS:
        print(spread(f"join_{name}_speed", speeds[name]), flush=True)
        figures.append(paired(f"join_{name}_speed", "MB/s", speeds[name]))
        figures.append(paired(f"join_{name}_memory", "MiB", peaks[name]))
    return figures


def beyond(bench: Bench) -> list[Figure]:
    """Ours must stay within the limit whatever the size; DuckDB is told to."""
    size = bench.corpus.bytes / 1e6
    ours, expected = bench.ours()
    peer, found = bench.peer("duckdb", LIMIT_MIB)
    _check("duckdb", found, expected)
    told = ours.answer()
    print(f"ours: {told['shards']} shards, {told['parts']} parts", flush=True)
    peak = ours.peak_bytes / MIB
    return [
        paired("join_beyond_speed", "MB/s", [(size / _seconds(ours), size / _seconds(peer))]),
        Figure("join_beyond_memory", peak, "MiB", None, LIMIT_MIB / peak, 1.0),
        Figure("join_beyond_duckdb_memory", peer.peak_bytes / MIB, "MiB"),
    ]


def _seconds(ran: Ran) -> float:
    return float(ran.answer()["seconds"])


def _check(name: str, found: Rows, expected: Rows) -> None:
    if found != expected:
        sys.exit(f"{name} left other rows than ours: {found}, ours {expected}")


def main() -> int:
    asked = options(__doc__, sizes=SIZES)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="fairmesh-join-") as folder:
        root = Path(folder)
        with corpus_of(root, QUICK_WITHIN) as bench:
            # the environments are made before any clock runs
            versions = {name: str(bench.peer(name)[0].answer()["version"]) for name in PEERS}
        print_conditions(asked, "zstd 3, 2 threads", ["pyarrow"], versions)
        if "within" in asked.sizes:
            with corpus_of(root, QUICK_WITHIN if asked.quick else WITHIN) as bench:
                figures += within(bench, asked)
        if "beyond" in asked.sizes:
            with corpus_of(root, QUICK_BEYOND if asked.quick else BEYOND) as bench:
                figures += beyond(bench)
        return finish(figures, judge=not asked.quick)


if __name__ == "__main__":
    sys.exit(main())
