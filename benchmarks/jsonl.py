"""JSON lines to Parquet: our engine beside polars, DuckDB, daft, `datasets` and datatrove.

All are given the same two files, the same schema, zstd at level 3 (see `jsonl_peer`) and two cores,
and every run must give all rows with the same text. Ours writes a part for each shard, hashes it,
and accounts for every row. The peers run in environments of their own, made from the package index.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

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
from benchmarks.text_corpus import write_passages

CORPUS_BYTES, QUICK_BYTES = 500_000_000, 20_000_000
FILES = 2
LONG_FACTOR = 10
"""How often the corpus is repeated for the figure of memory whatever the size."""
MEMORY_MIB = 300 * 1_000_000 / MIB
PEERS = {
    "polars": ["polars"],
    "duckdb": ["duckdb"],
    "daft": ["daft"],
    "datasets": ["datasets"],
    "datasets_snappy": ["datasets"],
    "datatrove": ["datatrove[io]", "xxhash<4", "orjson"],
}
"""What the environment of each peer holds."""
FASTEST = ("polars", "duckdb", "daft")
GOALS = {"fastest": 1 / 0.9, "datasets": 1 / 0.4, "datatrove": 1 / 0.17}
"""By how much a peer's time is to be longer than ours."""
_ENVIRONMENT = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "DO_NOT_TRACK": "1"}


@dataclass(frozen=True)
class Work:
    """What a run left: as many rows, and their texts in any order."""

    rows: int
    texts: str


@dataclass(frozen=True)
class Bench:
    root: Path
    corpus: Path
    """A folder that holds nothing else."""

    def ours(self) -> tuple[Ran, Work]:
        return self._run("ours", [sys.executable, "-m", "benchmarks.jsonl_ours"])

    def peer(self, name: str) -> tuple[Ran, Work]:
        script = Path(__file__).with_name("jsonl_peer.py")
        return self._run(name, [*_with(name), "python", "-P", script, name])

    def _run(self, side: str, command: list[str | Path]) -> tuple[Ran, Work]:
        with tempfile.TemporaryDirectory(dir=self.root, prefix=f"{side}-") as home:
            folder = Path(home) / "output"
            folder.mkdir()
            environment = {**_ENVIRONMENT, "HF_HOME": home}
            if side == "ours":
                environment["ARROW_DEFAULT_MEMORY_POOL"] = "jemalloc"  # as in config/celery.py
            else:
                environment["PYTHONPATH"] = ""
            ran = run([*command, self.corpus, folder], environment, self.root / "log")
            return ran, work_in(folder)


def _with(name: str) -> list[str | Path]:
    words: list[str | Path] = [program("uv"), "run", "--quiet", "--isolated", "--no-project"]
    for package in PEERS[name]:
        words += ["--with", package]
    return words


def work_in(folder: Path) -> Work:
    """Add up the hashes of all texts, so that their order does not matter."""
    rows = total = 0
    for path in sorted(folder.rglob("*.parquet")):
        for batch in pq.ParquetFile(path).iter_batches(4096, columns=["text"]):
            rows += batch.num_rows
            for text in batch.column(0).cast(pa.binary()):
                total += int.from_bytes(hashlib.md5(text.as_py()).digest())
    return Work(rows, f"{total % (1 << 128):032x}")


def measure(bench: Bench, asked: Options) -> list[Figure]:
    pairs: dict[str, list[tuple[float, float]]] = {name: [] for name in PEERS}
    fastest: list[tuple[float, float]] = []
    peaks: list[float] = []
    peer_peaks: dict[str, float] = {}
    for _ in range(asked.pairs):
        ran, expected = bench.ours()
        ours = float(ran.answer()["seconds"])
        peaks.append(ran.peak_bytes / MIB)
        times: dict[str, float] = {}
        for name in PEERS:
            peer, work = bench.peer(name)
            if work != expected:
                sys.exit(f"{name} did other work: {work}, ours {expected}")
            times[name] = float(peer.answer()["seconds"])
            pairs[name].append((times[name], ours))
            peer_peaks[name] = max(peer_peaks.get(name, 0), peer.peak_bytes / MIB)
        fastest.append((min(times[name] for name in FASTEST), ours))
    figures = []
    for name, taken in [("fastest", fastest), *pairs.items()]:
        turned = [(mine, theirs) for theirs, mine in taken]
        print(spread(f"jsonl_{name}", turned), flush=True)
        told = paired(f"jsonl_{name}_time", "s", turned)
        goal = GOALS.get(name)
        ratio = None if told.ratio is None else 1 / told.ratio
        figures.append(Figure(f"jsonl_{name}_times", told.value, "s", told.peer, ratio, goal))
    figures.append(_memory("jsonl_memory", max(peaks)))
    figures += [Figure(f"jsonl_{name}_memory", peak, "MiB") for name, peak in peer_peaks.items()]
    return figures


def _memory(name: str, peak: float) -> Figure:
    return Figure(name, peak, "MiB", None, MEMORY_MIB / peak, 1.0)


def long_run(bench: Bench) -> Figure:
    """Run ours alone on the corpus repeated: its memory must not grow with the input."""
    folder = bench.root / "long"
    folder.mkdir()
    long = folder / "corpus.jsonl"
    with long.open("wb") as stream:
        for path in sorted(bench.corpus.iterdir()) * LONG_FACTOR:
            stream.write(path.read_bytes())
    ran, _ = Bench(bench.root, folder).ours()
    print(f"{long.stat().st_size / 1e9:.1f} GB in {float(ran.answer()['seconds']):.1f} s")
    return _memory("jsonl_long_memory", ran.peak_bytes / MIB)


def main() -> int:
    asked = options(__doc__)
    with tempfile.TemporaryDirectory(prefix="fairmesh-jsonl-") as folder:
        root = Path(folder)
        corpus = root / "corpus"
        corpus.mkdir()
        found = write_passages(corpus, QUICK_BYTES if asked.quick else CORPUS_BYTES, FILES)
        told = f"{found.documents} passages in {FILES} files, {found.bytes / 1e6:.0f} MB of text"
        bench = Bench(root, corpus)
        versions = {}
        for name in PEERS:  # the environments are made before any clock runs
            ran, _ = bench.peer(name)
            versions[name] = str(ran.answer()["version"])
        print_conditions(asked, f"{told}, zstd 3, 2 threads", ["pyarrow"], versions)
        return finish([*measure(bench, asked), long_run(bench)], judge=not asked.quick)


if __name__ == "__main__":
    sys.exit(main())
