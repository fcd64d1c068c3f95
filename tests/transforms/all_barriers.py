"""One pipeline with every kind of barrier and a corpus that keeps each of them busy.

The corpus is spelled out of hashes: it is the same on every machine, on every day.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from core.canonical import canonical_digest
from transforms.engine.encoders import FAST_ENGINES, Encoders, FastEngine, Resolver, TokenizerFile
from transforms.engine.plan import InputFile, plan
from transforms.engine.run_local import run
from transforms.engine.sources import MemoryFolder, MemorySource, Workspace
from transforms.engine.spec import read_spec

TOKENIZER = "anthropic"
STEPS: list[dict[str, object]] = [
    {"dedup_exact": {"columns": ["text"]}},
    {"near_dedup": {"column": "text"}},
    {"shuffle": {"seed": 11}},
    {"tokenise": {"column": "text", "tokenizer": TOKENIZER}},
    {"pack": {"length": 256, "method": "best_fit"}},
]
SMALL = (6, 150)
"""Files, and rows in each, of the corpus whose result is known beforehand."""
KNOWN = "sha256:178581dbfb3d7622c5659b8d6e046ee30763d10c986d388f58a8fd1500206dca"
"""The digest of the parts that were made of it on the 29th of November 2026.

A change of it is a change for all who keep what a run made: raise the VERSION of the step or the
format whose bytes it is.
"""
PYARROW = "26.0.1"
"""Its version stands in the files."""
BROKEN_EVERY, TWIN_EVERY, LIKE_EVERY = 97, 7, 5
_WORDS = (
    "the",
    "of",
    "mesh",
    "data",
    "naïve",
    "0.5",
    "run;",
    "Zürich",
    "and",
    "is",
    "it",
    "\U0001f600",
)


def corpus(files: int, rows: int) -> dict[str, bytes]:
    """Return JSON lines by path: among the rows are twins, texts that are alike, and broken lines.

    A seventh of the rows repeats a text of any file, a fifth one with a few words changed.
    """
    return {
        f"part-{at}.jsonl": b"".join(_lines(range(at * rows, (at + 1) * rows)))
        for at in range(files)
    }


def _lines(numbers: Iterable[int]) -> Iterator[bytes]:
    for number in numbers:
        line = json.dumps({"id": number, "text": text_of(number)}).encode()
        yield line[: len(line) // 2] + b"\n" if number % BROKEN_EVERY == 5 else line + b"\n"


def text_of(number: int) -> str:
    """Return the text of a row: its own, that of another row, or nearly that."""
    noise = hashlib.sha256(f"row {number}".encode()).digest()
    if number and number % TWIN_EVERY == 0:
        return text_of(_before(number, noise))
    if number and number % LIKE_EVERY == 0:
        words = text_of(_before(number, noise)).split(" ")
        words[noise[4] % len(words)] = "changed"
        return " ".join(words)
    count = 40 + noise[5] % 120
    return " ".join(_word(number, at) for at in range(count))


def _before(number: int, noise: bytes) -> int:
    """Return a row before this one that has a text of its own."""
    other = int.from_bytes(noise[:4], "big") % number
    while other and (other % TWIN_EVERY == 0 or other % LIKE_EVERY == 0):
        other -= 1
    return other


def _word(number: int, at: int) -> str:
    noise = hashlib.sha256(f"word {at} of {number}".encode()).hexdigest()
    return _WORDS[int(noise[:2], 16) % len(_WORDS)] if at % 3 else noise[: 2 + at % 7]


def digest_of(files: Mapping[str, str]) -> str:
    """Return the digest of parts by their path and their sha256."""
    return canonical_digest(sorted(files.items()))


def made_here(
    resolver: Resolver, threads: int = 1, engines: Sequence[FastEngine] = FAST_ENGINES
) -> str:
    """Run the pipeline over a small corpus in this process, in memory; return the parts' digest."""
    data = corpus(*SMALL)
    output = MemoryFolder()
    workspace = Workspace(lambda path: MemorySource(data[path]), MemoryFolder(), output)
    files = [
        InputFile(path, len(held), hashlib.sha256(held).hexdigest()) for path, held in data.items()
    ]
    document = {
        "version": 1,
        "inputs": [{"name": "/a/~/in"}],
        "steps": STEPS,
        "output": {"name": "/a/~/out"},
    }
    shard_bytes = max(map(len, data.values()))
    planned = plan(read_spec(document), files, workspace.open_input, resolver, shard_bytes)
    report = run(planned, workspace, Encoders(resolver, engines), threads)
    assert len(planned.shards) == SMALL[0]
    assert report.quarantined
    assert set(report.dropped) == {"duplicate", "near_duplicate"}
    return digest_of({entry.path: entry.sha256 for entry in report.outputs})


def main() -> None:
    """Tell the time and the digest; the argument is a tokenizer's file."""
    data = Path(sys.argv[1]).read_bytes()
    tokenizer = TokenizerFile(data, hashlib.sha256(data).hexdigest())
    sys.stdout.write(f"{time.time():.0f} {time.tzname[0]} {made_here(lambda _: tokenizer)}\n")


if __name__ == "__main__":
    main()
