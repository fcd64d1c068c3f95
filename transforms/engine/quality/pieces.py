"""Texts cut into words or lines, all in one array, and what is counted of them for each text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.engine.arrow import Text, text_of

Flags: TypeAlias = npt.NDArray[np.bool_]
Counts: TypeAlias = npt.NDArray[np.int64]

Lists: TypeAlias = "pa.ListArray[pa.Scalar[pa.DataType]]"

SPACE = r"[\s\pZ\x0b\x1c-\x1f\x{85}]"
"""White space as `str.isspace` has it."""
_MARK = r"[\pP$<>|`~]"
_NO_MARK = r"[^\pP$<>|`~]"
_LINE_END = r"\r\n|[\n\r\x0b\x0c\x1c-\x1e\x{85}\x{2028}\x{2029}]"


@dataclass(frozen=True)
class Pieces:
    """The pieces of `texts` texts, in order; `owner` says of which text each is."""

    values: Text
    owner: Counts
    texts: int

    @cached_property
    def encoded(self) -> tuple[Text, Counts]:
        """The pieces that differ, each once, and the place of each piece among them.

        Words repeat, so that little is left to look at.
        """
        found = self.values.dictionary_encode()
        places = found.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        return text_of(found.dictionary), places

    @cached_property
    def sizes(self) -> Counts:
        """The characters of each piece."""
        different, places = self.encoded
        return characters(different)[places]

    def matching(self, expression: str) -> Flags:
        """Return which pieces an RE2 expression matches somewhere."""
        different, places = self.encoded
        return found(different, expression)[places]

    def where(self, kept: Flags) -> Pieces:
        return Pieces(text_of(self.values.filter(pa.array(kept))), self.owner[kept], self.texts)

    def count(self, chosen: Flags | None = None) -> Counts:
        """Return how many of the chosen pieces each text has; by default of all."""
        owner = self.owner if chosen is None else self.owner[chosen]
        return np.bincount(owner, minlength=self.texts)

    def total(self, amounts: Counts) -> Counts:
        """Return the sum of the pieces' amounts for each text."""
        return np.bincount(self.owner, amounts, minlength=self.texts).astype(np.int64)

    def repeated(self) -> Flags:
        """Return which pieces stood in the same text before."""
        different, places = self.encoded
        keys = self.owner * max(len(different), 1) + places
        again = np.ones(len(keys), np.bool_)
        again[np.unique(keys, return_index=True)[1]] = False
        return again


@dataclass
class Verdicts:
    """The first rule that each text breaks, as an index into `reasons`; -1 where it breaks none."""

    reasons: Sequence[str]
    failed: Counts = field(repr=False)

    @classmethod
    def none(cls, reasons: Sequence[str], texts: int) -> Verdicts:
        return cls(reasons, np.full(texts, -1, np.int64))

    def fail(self, reason: str, broken: Flags) -> None:
        self.failed[(self.failed < 0) & broken] = self.reasons.index(reason)


def _pieces(cut: Lists) -> Pieces:
    lengths = np.diff(cut.offsets.to_numpy())
    owner = np.repeat(np.arange(len(cut)), lengths)
    return Pieces(text_of(cut.flatten()), owner, len(cut))


def words_of(texts: Text) -> Pieces:
    """Return the words as `str.split` gives them; no text is null.

    Not by utf8_split_whitespace: pyarrow 26 reads behind the end of the last text there, and the
    same column gives other words from time to time.
    """
    found = pieces_between(texts, f"{SPACE}+")
    return found.where(characters(found.values) > 0)


def words_and_marks_of(texts: Text) -> Pieces:
    """Return the words, and apart from them each mark of punctuation at their ends.

    A mark within a word stays there.
    """
    words = words_of(texts)
    different, places = words.encoded
    head, core, tail = _parted(different)
    before = pc.replace_substring_regex(head, "(?s)(.)", r"\1 ")
    behind = pc.replace_substring_regex(tail, "(?s)(.)", r" \1")
    spaced = cast("list[pa.StringArray]", [before, core, behind, pa.scalar("", head.type)])
    cut = pc.split_pattern(pc.binary_join_element_wise(*spaced), " ")
    found = _pieces(cast("Lists", cut.take(places)))
    apart = Pieces(found.values, words.owner[found.owner], words.texts)
    return apart.where(apart.sizes > 0)


def _parted(words: Text) -> tuple[Text, Text, Text]:
    """Return the marks before each word, the word without them, and the marks behind it.

    Without capturing groups, with which RE2 takes ten times as long.
    """
    head = pc.replace_substring_regex(words, f"(?s){_NO_MARK}.*$", "")
    rest = pc.replace_substring_regex(words, f"^{_MARK}+", "")
    backwards = pc.utf8_reverse(rest)
    tail = pc.utf8_reverse(pc.replace_substring_regex(backwards, f"(?s){_NO_MARK}.*$", ""))
    return head, pc.replace_substring_regex(rest, f"{_MARK}+$", ""), tail


def lines_of(texts: Text) -> Pieces:
    """Return the lines as `str.splitlines` gives them; no text is null."""
    found = pieces_between(texts, _LINE_END)
    last = np.append(found.owner[1:] != found.owner[:-1], True)[: len(found.owner)]
    return found.where(~last | (characters(found.values) > 0))


Cut: TypeAlias = Callable[[Text], Pieces]
"""How words are parted: `words_of` or `words_and_marks_of`."""


def pieces_between(texts: Text, expression: str) -> Pieces:
    """Return what stands between the matches of an RE2 expression, empty or not."""
    return _pieces(cast("Lists", pc.split_pattern_regex(texts, expression)))


def joined(pieces: Pieces, separator: str) -> Text:
    """Return the pieces of each text as one text; "" where a text has none."""
    ends = np.concatenate([[0], np.cumsum(pieces.count())]).astype(np.int32)
    lists = pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pieces.values)
    return cast("Text", pc.binary_join(lists, pa.scalar(separator, pieces.values.type)))


def characters(values: Text) -> Counts:
    return pc.utf8_length(values).to_numpy(zero_copy_only=False).astype(np.int64)


def found(values: Text, expression: str) -> Flags:
    """Return which texts an RE2 expression matches somewhere."""
    return np.array(pc.match_substring_regex(values, expression).to_numpy(zero_copy_only=False))


def occurrences(values: Text, literal: str) -> Counts:
    counts = pc.count_substring(values, literal).to_numpy(zero_copy_only=False)
    return counts.astype(np.int64)


def share(part: Counts, whole: Counts) -> npt.NDArray[np.float64]:
    """Return part / whole, 0 where there is nothing."""
    return part / np.maximum(whole, 1)
