"""Text to token ids: the reference encoder, the fast ones, and the gate between them.

The reference is Hugging Face `tokenizers`. A fast engine is used for a run only after its ids were
equal to the reference's on a sample of the run's own documents, and every shard goes on auditing
it; a sample cannot prove equality, so a later difference sends the shard back to the reference.
"""

from __future__ import annotations

import importlib
import itertools
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
import tokenizers

from transforms.engine.problems import Problem, nearest, refuse

SpecialTokens = Literal["text", "match"]
GATE_DOCUMENTS = 1000
AUDIT_EVERY = 1000
_KEPT = 4
"""Of how many files what was read stays: for those of 2 and 4 MB 0.2 and 0.5 s, 34 and 49 MB."""
EOS_TOKENS = (
    "<|endoftext|>",
    "<|end_of_text|>",
    "</s>",
    "<eos>",
    "<EOT>",
    "<｜end▁of▁sentence｜>",  # noqa: RUF001 - the name of this token is spelled so
    "[SEP]",
)


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """The files of a model by their names below `folder`, each with its sha256."""

    folder: Path
    sha256: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class TokenizerFile:
    """The bytes of a `tokenizer.json` and their sha256 (64 hexadecimal digits).

    Where a model lies beside it, the sha256 is one of the model's files, too.
    """

    data: bytes
    sha256: str
    model: ModelFiles | None = None


Resolver = Callable[[str], TokenizerFile]
"""Answers a tokenizer's name; raises InvalidSpec when there is none of that name."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """The ids of some documents: those of document i are ids[offsets[i] : offsets[i + 1]]."""

    ids: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]

    def equals(self, other: Encoded) -> bool:
        return np.array_equal(self.offsets, other.offsets) and np.array_equal(self.ids, other.ids)

    def document(self, position: int) -> npt.NDArray[np.int32]:
        return self.ids[self.offsets[position] : self.offsets[position + 1]]


class Encoder(Protocol):
    """Encodes documents without adding any token of its own; raises ValueError if it cannot."""

    def encode(self, texts: Sequence[str]) -> Encoded: ...


@dataclass(frozen=True, slots=True)
class FastEngine:
    """A fast engine that is installed here."""

    name: str
    """The package and its version."""
    build: Callable[[TokenizerFile], Encoder]
    """Raises ValueError when it cannot read the file."""


class ReferenceEncoder:
    """Hugging Face `tokenizers`: what its ids are is what the ids of a document are."""

    def __init__(self, file: TokenizerFile, special_tokens: SpecialTokens) -> None:
        self.name = f"tokenizers {tokenizers.__version__}"
        self._tokenizer = tokenizers.Tokenizer.from_buffer(file.data)
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._tokenizer.encode_special_tokens = special_tokens == "text"

    def encode(self, texts: Sequence[str]) -> Encoded:
        found = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        documents = [np.array(each.ids, dtype=np.int32) for each in found]
        lengths = [len(document) for document in documents]
        offsets = np.fromiter(itertools.accumulate(lengths, initial=0), np.int64, len(texts) + 1)
        empty = np.zeros(0, dtype=np.int32)
        return Encoded(np.concatenate([empty, *documents]), offsets)

    def starts(self, texts: Sequence[str]) -> list[list[int]]:
        """Return in which character of its text each token begins, ascending."""
        found = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [
            list(itertools.accumulate((start for start, _ in each.offsets), max)) for each in found
        ]


@lru_cache(maxsize=_KEPT)
def reference_of(file: TokenizerFile, special_tokens: SpecialTokens) -> ReferenceEncoder:
    """Return the reference of a file, read once for all pipelines of this process."""
    return ReferenceEncoder(file, special_tokens)


@dataclass(frozen=True, slots=True)
class FlatEncoder:
    """A Rust package that gives all ids and offsets as bytes: no Python object for a token."""

    encode_flat: Callable[[list[str]], tuple[bytes, bytes]]

    def encode(self, texts: Sequence[str]) -> Encoded:
        ids, offsets = self.encode_flat(list(texts))
        return Encoded(np.frombuffer(ids, "<i4"), np.frombuffer(offsets, "<i8"))


def _installed() -> Iterator[FastEngine]:
    """Yield those that the extra `fast` has brought; without it the reference does the work."""
    if find_spec("fastokens") is not None:
        tokens = importlib.import_module("fastokens").Tokenizer
        yield FastEngine(
            f"fastokens {metadata.version('fastokens')}",
            lambda file: FlatEncoder(tokens.from_json_str(file.data.decode()).encode_batch_flat),
        )
    if find_spec("splintr") is not None:
        splintr = importlib.import_module("splintr")
        yield FastEngine(
            f"splintr {metadata.version('splintr-rs')}",
            lambda file: FlatEncoder(splintr.from_json_bytes(file.data).encode_batch_flat),
        )


FAST_ENGINES = tuple(_installed())
"""The fastest first; what each reads and costs: docs/explanation/adr/0004-fast-tokenizers.md"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate found: which engine may encode, and on how many documents it was compared.

    Of a long document mostly an excerpt is compared (see `gate.excerpt`).
    """

    engine: str
    fast: bool
    sampled: int
    differing: int
    reason: str


@dataclass(frozen=True, slots=True)
class Specials:
    """The added tokens of a tokenizer file."""

    ids: Mapping[str, int]
    special: tuple[str, ...]
    """Those that must not be forged by text, sorted."""
    plain_match: bool
    """True when each of `special` is looked for in the text as it stands, before normalising."""

    @classmethod
    @lru_cache(maxsize=_KEPT)
    def of(cls, file: TokenizerFile) -> Specials:
        added = json.loads(file.data).get("added_tokens", [])
        special = [token for token in added if token["special"]]
        return cls(
            ids={token["content"]: token["id"] for token in added},
            special=tuple(sorted(token["content"] for token in special)),
            plain_match=not any(token["normalized"] for token in special),
        )

    def eos(self, wanted: str | None) -> int:
        """Return the id of `wanted`, or of the first of EOS_TOKENS that there is."""
        candidates = EOS_TOKENS if wanted is None else (wanted,)
        for candidate in candidates:
            if candidate in self.ids:
                return self.ids[candidate]
        known = ", ".join(sorted(self.ids)[:12]) or "none"
        message = f"This tokenizer has no such end token; its added tokens are: {known}."
        raise refuse([Problem("eos", message, nearest(wanted or "", self.ids))])


class Tokenizer:
    """One tokenizer: the reference, and the fast engines, each loaded when it is first asked for.

    Safe to share among threads.
    """

    def __init__(
        self, file: TokenizerFile, special_tokens: SpecialTokens, engines: Sequence[FastEngine]
    ) -> None:
        self.specials = Specials.of(file)
        self.reference = reference_of(file, special_tokens)
        self._file, self._engines = file, engines
        self._built: dict[str, Encoder | None] = {}
        self._lock = threading.Lock()

    def fast(self) -> Iterator[tuple[str, Encoder]]:
        """Yield name and encoder of each fast engine that can read the file, the fastest first."""
        for engine in self._engines:
            if (encoder := self._encoder(engine)) is not None:
                yield engine.name, encoder

    def named(self, name: str) -> Encoder | None:
        """Return the fast encoder of an engine in just that version; None if it is not here."""
        return next((self._encoder(each) for each in self._engines if each.name == name), None)

    def _encoder(self, engine: FastEngine) -> Encoder | None:
        with self._lock:
            if engine.name not in self._built:
                try:
                    self._built[engine.name] = engine.build(self._file)
                except ValueError:
                    self._built[engine.name] = None
            return self._built[engine.name]


@dataclass
class Encoders:
    """The tokenizers of a process, each loaded once, and the verdicts of the gate.

    Safe to share among threads. Without a verdict for a tokenizer the reference is used.
    """

    resolver: Resolver
    fast_engines: Sequence[FastEngine] = FAST_ENGINES
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    _loaded: dict[tuple[str, str], Tokenizer] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def load(self, name: str, special_tokens: SpecialTokens) -> Tokenizer:
        with self._lock:
            key = (name, special_tokens)
            if key not in self._loaded:
                file = self.resolver(name)
                self._loaded[key] = Tokenizer(file, special_tokens, self.fast_engines)
            return self._loaded[key]

    def with_verdicts(self, verdicts: Mapping[str, Verdict]) -> Encoders:
        """Return the same loaded tokenizers under other verdicts."""
        return Encoders(self.resolver, self.fast_engines, verdicts, self._loaded, self._lock)

    def fast(self, name: str, tokenizer: Tokenizer) -> Encoder | None:
        """Return the fast encoder that the gate let in for the tokenizer `name`, if it is here."""
        verdict = self.verdicts.get(name)
        return tokenizer.named(verdict.engine) if verdict is not None and verdict.fast else None


def judge(tokenizer: Tokenizer, texts: Sequence[str]) -> Verdict:
    """Return which encoder may be used: the fastest that is equal on every document of `texts`."""
    reference = tokenizer.reference
    expected: Encoded | None = None
    refused: dict[str, int] = {}
    for name, encoder in tokenizer.fast():
        if not texts:
            return Verdict(reference.name, False, 0, 0, "no document to compare")
        expected = expected or reference.encode(texts)
        refused[name] = _differing(encoder, texts, expected)
        if not refused[name]:
            return Verdict(name, True, len(texts), 0, "equal on every sampled document")
    if not refused:
        return Verdict(reference.name, False, 0, 0, "no fast engine reads this tokenizer")
    reason = f"{' and '.join(refused)} differ from the reference"
    return Verdict(reference.name, False, len(texts), min(refused.values()), reason)


def _differing(encoder: Encoder, texts: Sequence[str], expected: Encoded) -> int:
    try:
        found = encoder.encode(texts)
    except ValueError:
        return len(texts)
    return sum(
        not np.array_equal(expected.document(position), found.document(position))
        for position in range(len(texts))
    )
