"""Deduplication: ours beside plain Python with sha1 (exact), and beside `datasketch` (near).

Both sides of a pair find the same rows in the same texts, which lie in memory already: as Arrow
columns for ours, as strings for the others. One thread each. Near deduplication is timed as the
whole barrier of its step, with the rows that it leaves and takes up again; exact deduplication as
the keys and what is found among them, since the other side leaves no rows. Recall and precision are
those of the rows that are dropped, against exact Jaccard similarity.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.dedup_corpus import repeated, write_dedup_corpus
from benchmarks.harness import (
    Figure,
    Options,
    finish,
    in_turns,
    options,
    paired,
    print_conditions,
    program,
    run,
    spread,
)
from transforms.engine.barriers.base import Desk
from transforms.engine.barriers.judging import Judging
from transforms.engine.operators.dedup_exact import DedupExact, duplicates, suspects
from transforms.engine.operators.near_dedup import NearDedup
from transforms.engine.row_hashes import keyed, plain
from transforms.engine.sources import MemoryFolder

GOAL = 5.0
CORPUS_BYTES, QUICK_BYTES = 150_000_000, 12_000_000
BATCH_ROWS, SHARD_BATCHES, PARTITIONS = 500, 4, 2
NEAR = NearDedup("text")
RUN = "the digest of a run"


@dataclass(frozen=True)
class Answer:
    seconds: float
    dropped: frozenset[int]


@dataclass(frozen=True)
class Bench:
    corpus: Path
    texts: Sequence[str]
    batches: Sequence[pa.RecordBatch]

    def through(self, step: Judging) -> Answer:
        """Run all batches through the barrier of `step`."""
        began = time.perf_counter()
        shards = [
            self.batches[start : start + SHARD_BATCHES]
            for start in range(0, len(self.batches), SHARD_BATCHES)
        ]
        desk = Desk(MemoryFolder(), 0, self.batches[0].schema, len(shards), PARTITIONS, RUN)
        for unit, shard in enumerate(shards):
            with step.leave(desk, unit) as leaving:
                for batch in shard:
                    leaving.write(batch)
        for level, tasks in enumerate(step.levels(PARTITIONS)):
            for task in range(tasks):
                step.work(desk, level, task)
        kept = [
            each.batch.column("n") for unit in range(len(shards)) for each in step.rows(desk, unit)
        ]
        seconds = time.perf_counter() - began
        left = {number for column in kept for number in column.to_pylist()}
        return Answer(seconds, frozenset(set(range(len(self.texts))) - left))

    def keys(self) -> Answer:
        """Hash all batches and find what is equal, without any file."""
        began = time.perf_counter()
        step = DedupExact(("text",))
        rows = np.arange(len(self.texts), dtype=np.uint32)
        hashes = np.concatenate([step.hashes(batch, plain()) for batch in self.batches])
        (may_be,) = suspects([(hashes, rows)])
        sure, cuts = keyed(RUN), np.arange(1, len(self.batches)) * BATCH_ROWS
        picked = np.split(may_be.astype(np.int64) % BATCH_ROWS, np.searchsorted(may_be, cuts))
        looked_at = zip(self.batches, picked, strict=True)
        hashes = np.concatenate([step.hashes(batch, sure, some) for batch, some in looked_at])
        (found,) = duplicates([(hashes, may_be)])
        return Answer(time.perf_counter() - began, frozenset(found.tolist()))

    def sha1(self) -> Answer:
        began = time.perf_counter()
        seen: set[bytes] = set()
        dropped = []
        for number, text in enumerate(self.texts):
            digest = hashlib.sha1(text.encode(), usedforsecurity=False).digest()
            if digest in seen:
                dropped.append(number)
            else:
                seen.add(digest)
        return Answer(time.perf_counter() - began, frozenset(dropped))

    def datasketch(self) -> tuple[Answer, str]:
        """Return also the version that answered."""
        script = Path(__file__).with_name("dedup_peer.py")
        words = [str(NEAR.threshold), str(NEAR.shingle_words), str(NEAR.hashes)]
        environment = {"PYTHONPATH": ""}
        log = self.corpus.with_name("log")
        ran = run([*_with_datasketch(), script, self.corpus, *words], environment, log)
        told = ran.answer()
        dropped = json.loads(str(told["dropped"]))
        return Answer(float(told["seconds"]), frozenset(dropped)), str(told["version"])


def _with_datasketch() -> list[str | Path]:
    words = ["run", "--quiet", "--isolated", "--no-project", "--with", "datasketch"]
    return [program("uv"), *words, "python", "-P"]


def quality(name: str, answer: Answer, expected: set[int]) -> None:
    right = len(answer.dropped & expected)
    recall, precision = right / max(1, len(expected)), right / max(1, len(answer.dropped))
    print(f"{name}: {len(answer.dropped)} dropped, recall {recall:.4f}, precision {precision:.4f}")


def measure(bench: Bench, asked: Options) -> list[Figure]:
    keys = in_turns(asked.pairs, lambda _: bench.keys(), lambda _: bench.sha1())
    whole = bench.through(DedupExact(("text",)))
    if len({whole.dropped, *(answer.dropped for pair in keys for answer in pair)}) != 1:
        sys.exit("The two sides did not find the same duplicates.")
    count = len(bench.texts)
    print(f"exact, with every row left and taken up again: {count / whole.seconds:.0f} documents/s")
    near = in_turns(asked.pairs, lambda _: bench.through(NEAR), lambda _: bench.datasketch()[0])
    expected = repeated(bench.texts, NEAR.threshold, NEAR.shingle_words)
    print(f"in truth {len(expected)} of {count} are like an earlier one")
    for name, answer in zip(("ours", "datasketch"), near[-1], strict=True):
        quality(name, answer, expected)
    found = []
    for name, pairs in (("exact_dedup", keys), ("near_dedup", near)):
        rates = [(count / ours.seconds, count / peer.seconds) for ours, peer in pairs]
        print(spread(name, rates))
        found.append(paired(name, "documents/s", rates, GOAL))
    return found


def main() -> int:
    asked = options(__doc__)
    with tempfile.TemporaryDirectory(prefix="fairmesh-dedup-") as folder:
        corpus = Path(folder) / "corpus.jsonl"
        texts = write_dedup_corpus(corpus, QUICK_BYTES if asked.quick else CORPUS_BYTES)
        table = pa.table({"n": pa.array(range(len(texts))), "text": pa.array(texts)})
        bench = Bench(corpus, texts, table.to_batches(BATCH_ROWS))
        size = sum(len(text.encode()) for text in texts) / 1e6
        told = f"{len(texts)} documents, {size:.0f} MB of text, shingles of {NEAR.shingle_words}"
        _, version = bench.datasketch()  # its environment is made before any clock runs
        print_conditions(
            asked, told, ["pyarrow", "numpy", "xxhash", "cryptography"], {"datasketch": version}
        )
        return finish(measure(bench, asked), judge=not asked.quick)


if __name__ == "__main__":
    sys.exit(main())
