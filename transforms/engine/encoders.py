"""Text to token ids: the reference encoder, a fast one, and the gate between them.

The reference is Hugging Face `tokenizers`. The fast engine is used for a run only after its ids
were equal to the reference's on a sample of the run's own documents, and every shard goes on
auditing it; a sample cannot prove equality, so a later difference sends the shard back to the
reference.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
import tokenizers

from transforms.engine.problems import Problem, nearest, refuse

splintr: ModuleType | None
try:
    import splintr
except ImportError:  # the extra `fast` is not installed; the reference does the work
    splintr = None

SpecialTokens = Literal["text", "match"]
GATE_DOCUMENTS = 1000
AUDIT_EVERY = 1000
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
    """Encodes documents without adding any token of its own."""

    name: str

    def encode(self, texts: Sequence[str]) -> Encoded: ...


FastEngine = Callable[[TokenizerFile], Encoder]
"""Builds the fast encoder of a tokenizer; raises ValueError when it cannot read the file."""


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


class SplintrEncoder:
    """The Rust package `splintr`: flat ids, no Python object per token."""

    def __init__(self, file: TokenizerFile) -> None:
        if splintr is None:
            raise ValueError("splintr is not installed")
        self.name = f"splintr {metadata.version('splintr-rs')}"
        self._tokenizer = splintr.from_json_bytes(file.data)

    def encode(self, texts: Sequence[str]) -> Encoded:
        ids, offsets = self._tokenizer.encode_batch_flat(list(texts))
        return Encoded(np.frombuffer(ids, "<i4"), np.frombuffer(offsets, "<i8"))


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


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """One tokenizer, loaded."""

    specials: Specials
    reference: ReferenceEncoder
    fast: Encoder | None
    """None where there is no fast engine, or none that can read this file."""


@dataclass
class Encoders:
    """The tokenizers of a process, each loaded once, and the verdicts of the gate.

    Safe to share among threads. Without a verdict for a tokenizer the reference is used.
    """

    resolver: Resolver
    fast_engine: FastEngine | None = SplintrEncoder
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    _loaded: dict[tuple[str, str], Tokenizer] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def load(self, name: str, special_tokens: SpecialTokens) -> Tokenizer:
        with self._lock:
            key = (name, special_tokens)
            if key not in self._loaded:
                file = self.resolver(name)
                specials = Specials.of(file)
                reference = ReferenceEncoder(file, special_tokens)
                self._loaded[key] = Tokenizer(specials, reference, self._load_fast(file))
            return self._loaded[key]

    def _load_fast(self, file: TokenizerFile) -> Encoder | None:
        if self.fast_engine is None:
            return None
        try:
            return self.fast_engine(file)
        except ValueError:
            return None

    def with_verdicts(self, verdicts: Mapping[str, Verdict]) -> Encoders:
        """Return the same loaded tokenizers under other verdicts."""
        return Encoders(self.resolver, self.fast_engine, verdicts, self._loaded, self._lock)

    def may_be_fast(self, name: str) -> bool:
        return name in self.verdicts and self.verdicts[name].fast


def judge(tokenizer: Tokenizer, texts: Sequence[str]) -> Verdict:
    """Return whether the fast encoder may be used: only if every document of `texts` is equal."""
    reference, fast = tokenizer.reference, tokenizer.fast
    if fast is None:
        return Verdict(reference.name, False, 0, 0, "no fast engine reads this tokenizer")
    if not texts:
        return Verdict(reference.name, False, 0, 0, "no document to compare")
    expected, found = reference.encode(texts), fast.encode(texts)
    differing = sum(
        not np.array_equal(expected.document(position), found.document(position))
        for position in range(len(texts))
    )
    if differing:
        reason = f"{fast.name} differs from the reference"
        return Verdict(reference.name, False, len(texts), differing, reason)
    return Verdict(fast.name, True, len(texts), 0, "equal on every sampled document")
