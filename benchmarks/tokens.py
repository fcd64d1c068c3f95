"""Text to packed tokens: our engine beside Hugging Face `datasets` and `tokenizers`.

Parquet → token ids → rows of 2,048 → Parquet, by the same tokenizer file and the same rule for the
end of a document. After each run the whole sequence of ids is compared, not only their count.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from benchmarks.harness import (
    MIB,
    Figure,
    Options,
    Ran,
    finish,
    in_turns,
    need,
    options,
    paired,
    print_conditions,
    run,
    spread,
)
from benchmarks.tokens_corpus import installed_packages, standard_library, write_corpus
from transforms.engine.encoders import Specials, TokenizerFile

ROW_TOKENS = 2048
QUICK_BYTES = 3_000_000
_PACKAGES = ("tokenizers", "splintr-rs", "pyarrow", "datasets", "litellm")
_PEER_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
"""Two processes on their own, each with one thread: more threads would share the same cores."""


@dataclass(frozen=True)
class Size:
    """A corpus, and how many times as fast as the other side ours is to be on it."""

    bytes: int
    goal: float
    about: str
    documents: Callable[[], Iterator[str]]


SIZES = {
    "24": Size(24_000_000, 4.0, "the source of the standard library", standard_library),
    "250": Size(250_000_000, 8.0, "text of the installed packages", installed_packages),
}
"""By their megabytes."""


@dataclass(frozen=True)
class Sequence:
    """All ids a run wrote, in order, without padding."""

    tokens: int
    total: int
    sha256: str


@dataclass(frozen=True)
class Bench:
    """The input that both sides read, and where each run writes."""

    root: Path
    corpus: Path
    text_bytes: int
    tokenizer: Path
    end_token: str

    def ours(self, number: int) -> tuple[Ran, Sequence]:
        return self._run("ours", number, [])

    def peers(self, number: int) -> tuple[Ran, Sequence]:
        return self._run("peer", number, [self.end_token])

    def _run(self, side: str, number: int, more: list[str]) -> tuple[Ran, Sequence]:
        with tempfile.TemporaryDirectory(dir=self.root, prefix=f"{side}-{number}-") as folder:
            module = f"benchmarks.tokens_{side}"
            words = [str(self.corpus), str(self.tokenizer), folder, str(ROW_TOKENS), *more]
            environment = {**_PEER_ENVIRONMENT, "HF_HOME": folder} if side == "peer" else {}
            ran = run(
                [sys.executable, "-m", module, *words], environment, self.root / f"{side}.log"
            )
            return ran, read_sequence(Path(folder) / "output")


def read_sequence(folder: Path) -> Sequence:
    digest, tokens, total = hashlib.sha256(), 0, 0
    for ids in _ids(folder):
        tokens += len(ids)
        total += int(ids.sum(dtype=np.int64))
        digest.update(ids.astype("<i4").tobytes())
    return Sequence(tokens, total, digest.hexdigest())


def _ids(folder: Path) -> Iterator[np.ndarray]:
    for path in sorted(folder.glob("*.parquet")):
        for batch in pq.ParquetFile(path).iter_batches(256):
            column = batch.column("input_ids")
            counted = batch.column("length") if "length" in batch.schema.names else None
            for row in range(batch.num_rows):
                ids = column[row].values.to_numpy()
                yield ids if counted is None else ids[: counted[row].as_py()]


def check(pairs: list[tuple[tuple[Ran, Sequence], tuple[Ran, Sequence]]]) -> Sequence:
    """Return the sequence that every run wrote; a run that wrote another ends the benchmark."""
    found = {sequence for pair in pairs for _, sequence in pair}
    if len(found) != 1:
        sys.exit(f"The two sides did not do the same work: {found}")
    for (ours, _), _ in pairs:
        if not ours.answer()["fast"]:
            print("note: the gate refused the fast encoder; the reference did the work")
    (sequence,) = found
    return sequence


def figures(
    name: str,
    bench: Bench,
    pairs: list[tuple[tuple[Ran, Sequence], tuple[Ran, Sequence]]],
    tokens: int,
) -> list[Figure]:
    seconds = [
        (float(ours.answer()["seconds"]), float(peer.answer()["seconds"]))
        for (ours, _), (peer, _) in pairs
    ]
    size = bench.text_bytes / 1e6
    speed = [(size / ours, size / peer) for ours, peer in seconds]
    rate = [(tokens / ours, tokens / peer) for ours, peer in seconds]
    peaks = [(ours.peak_bytes / MIB, peer.peak_bytes / MIB) for (ours, _), (peer, _) in pairs]
    cpu = [(ours.cpu_seconds, peer.cpu_seconds) for (ours, _), (peer, _) in pairs]
    print(spread(f"tokens_{name}_seconds", seconds))
    return [
        paired(f"tokens_{name}_speed", "MB/s", speed, SIZES[name].goal),
        paired(f"tokens_{name}_rate", "tokens/s", rate),
        paired(f"tokens_{name}_cpu", "s", cpu),
        paired(f"tokens_{name}_peak_memory", "MiB", peaks),
    ]


def measure(asked: Options, name: str, root: Path) -> list[Figure]:
    size, corpus = SIZES[name], root / f"corpus-{name}.parquet"
    wanted = QUICK_BYTES if asked.quick else size.bytes
    documents, text_bytes = write_corpus(corpus, size.documents(), wanted)
    tokenizer = tokenizer_path()
    data = tokenizer.read_bytes()
    specials = Specials.of(TokenizerFile(data, hashlib.sha256(data).hexdigest()))
    names = {token: name for name, token in specials.ids.items()}
    bench = Bench(root, corpus, text_bytes, tokenizer, names[specials.eos(None)])
    print_conditions(
        asked,
        f"{documents} documents, {text_bytes / 1e6:.1f} MB: {size.about}, as Parquet of "
        f"{corpus.stat().st_size / 1e6:.1f} MB; rows of {ROW_TOKENS} tokens",
        _PACKAGES,
    )
    pairs = in_turns(asked.pairs, bench.ours, bench.peers)
    sequence = check(pairs)
    ours = pairs[-1][0][0].answer()
    print(f"same ids on both sides: {sequence.tokens} tokens, sha256 {sequence.sha256[:16]}…")
    print(
        f"ours: {ours['engine']}, judged on {ours['sampled']} documents; the gate takes about "
        f"{float(ours['gate_seconds']):.2f} s of the {float(ours['seconds']):.2f} s; "
        f"{ours['shards']} shards"
    )
    return figures(name, bench, pairs, sequence.tokens)


def tokenizer_path() -> Path:
    package = find_spec("litellm")
    assert package is not None
    assert package.origin is not None
    folder = Path(package.origin).parent / "litellm_core_utils" / "tokenizers"
    return folder / "deepseek_tokenizer.json"


def main() -> int:
    asked = options(__doc__, sizes=list(SIZES))
    need(modules=("datasets", "tokenizers", "splintr", "litellm"))
    found: list[Figure] = []
    for name in asked.sizes:
        with tempfile.TemporaryDirectory(prefix="fairmesh-tokens-") as root:
            found += measure(asked, name, Path(root))
    return finish(found, judge=not asked.quick)


if __name__ == "__main__":
    sys.exit(main())
