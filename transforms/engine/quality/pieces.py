"""Texts cut into words or lines, all in one array, and what is counted of them for each text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.engine.arrow import Text, text_of

Flags: TypeAlias = npt.NDArray[np.bool_]
Counts: TypeAlias = npt.NDArray[np.int64]
Keys: TypeAlias = "npt.NDArray[np.int64] | npt.NDArray[np.uint64]"

Lists: TypeAlias = "pa.ListArray[pa.Scalar[pa.DataType]]"

SPACE = r"[\s\pZ\x0b\x1c-\x1f\x{85}]"
"""White space as `str.isspace` has it."""
_BITS = 64
_MARK = r"[\pP$<>|`~]"
_NO_MARK = r"[^\pP$<>|`~]"
_LINE_END = r"\r\n|[\n\r\x0b\x0c\x1c-\x1e\x{85}\x{2028}\x{2029}]"


Encoded: TypeAlias = "tuple[Text, Counts]"
"""Some texts, each once, and of each piece its place among them."""


class Pieces:
    """The pieces of `texts` texts, in order; `owner` says of which text each is.

    They are given by their values or encoded, and each form is made of the other when it is asked
    for: words repeat, so that encoded little is left to look at.
    """

    def __init__(
        self,
        values: Text | None,
        owner: Counts,
        texts: int,
        encoded: Encoded | None = None,
    ) -> None:
        self.owner, self.texts = owner, texts
        self._values, self._encoded = values, encoded

    @property
    def values(self) -> Text:
        if self._values is None:
            different, places = self.encoded
            self._values = text_of(different.take(pa.array(places, pa.int64())))
        return self._values

    @property
    def encoded(self) -> Encoded:
        if self._encoded is None:
            found = self.values.dictionary_encode()
            places = found.indices.to_numpy(zero_copy_only=False).astype(np.int64)
            self._encoded = text_of(found.dictionary), places
        return self._encoded

    @property
    def sizes(self) -> Counts:
        """The characters of each piece."""
        different, places = self.encoded
        return characters(different)[places]

    def matching(self, expression: str) -> Flags:
        """Return which pieces an RE2 expression matches somewhere."""
        different, places = self.encoded
        return found(different, expression)[places]

    def where(self, kept: Flags) -> Pieces:
        if self._encoded is None:
            values = text_of(self.values.filter(pa.array(kept)))
            return Pieces(values, self.owner[kept], self.texts)
        different, places = self._encoded
        return Pieces(None, self.owner[kept], self.texts, (different, places[kept]))

    def of_texts(self, kept: Flags) -> Pieces:
        """Return the pieces of the kept texts, which are numbered anew."""
        left = self.where(kept[self.owner])
        number = np.cumsum(kept) - 1
        return Pieces(left._values, number[left.owner], int(kept.sum()), left._encoded)

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
        if int(keys.max(initial=0)).bit_length() + len(keys).bit_length() <= _BITS:
            return stood_before(keys)
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


def stood_before(keys: Keys) -> Flags:
    """Return which keys are equal to one before them, as `_grouped` has it."""
    places, again = _grouped(keys)
    found = np.zeros(len(keys), np.bool_)
    found[places[again]] = True
    return found


def times(keys: Keys) -> Counts:
    """Return how often each key stands among them all, as `_grouped` has it."""
    places, again = _grouped(keys)
    sizes = np.diff(np.flatnonzero(np.append(~again, True)))
    found = np.empty(len(keys), np.int64)
    found[places] = np.repeat(sizes, sizes)
    return found


def _grouped(keys: Keys) -> tuple[Counts, Flags]:
    """Return the places of equal keys side by side, ascending, and which belong to the one before.

    Key and place are sorted as one number, several times faster than places by their keys. Of a
    key the lowest 64 bits count, less those of a place: 44 where there are a million keys.
    """
    bits = np.uint64(len(keys).bit_length())
    both = np.sort(keys.astype(np.uint64) << bits | np.arange(len(keys), dtype=np.uint64))
    group = both >> bits
    again = np.append(np.zeros(1, np.bool_), group[1:] == group[:-1])[: len(keys)]
    return (both - (group << bits)).astype(np.int64), again


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
    return found.where(found.sizes > 0)


def words_and_marks_of(texts: Text) -> Pieces:
    """Return the words, and apart from them each mark of punctuation at their ends.

    A mark within a word stays there.
    """
    words = words_of(texts)
    head, core, tail = _parted(words.encoded[0])
    before = pc.replace_substring_regex(head, "(?s)(.)", r"\1 ")
    behind = pc.replace_substring_regex(tail, "(?s)(.)", r" \1")
    spaced = cast("list[pa.StringArray]", [before, core, behind, pa.scalar("", head.type)])
    cut = pc.split_pattern(pc.binary_join_element_wise(*spaced), " ")
    found = _pieces(cast("Lists", cut))
    return _in_place_of(words, found.where(found.sizes > 0))


def _in_place_of(words: Pieces, parts: Pieces) -> Pieces:
    """Return the parts of each word, in order; `parts` has those of each different word."""
    places = words.encoded[1]
    count = parts.count()
    many = count[places]
    ends = np.cumsum(many)
    first = (np.cumsum(count) - count)[places]  # of the parts of each word
    at = np.repeat(first - (ends - many), many) + np.arange(many.sum())
    different, inner = parts.encoded
    return Pieces(None, np.repeat(words.owner, many), words.texts, (different, inner[at]))


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


class CutOnce:
    """A cut that remembers the words of the last texts that it was given."""

    def __init__(self, cut: Cut) -> None:
        self._cut = cut
        self._last: tuple[Text, Pieces] | None = None

    def __call__(self, texts: Text) -> Pieces:
        if self._last is None or self._last[0] is not texts:
            self._last = texts, self._cut(texts)
        return self._last[1]

    def keep(self, texts: Text, kept: Flags) -> Text:
        """Return the kept texts, whose words need not be cut again."""
        left = text_of(texts.filter(pa.array(kept)))
        if self._last is not None and self._last[0] is texts:
            self._last = left, self._last[1].of_texts(kept)
        return left


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
