"""Where a text is cut into chunks: at headings, paragraphs, sentences, lines or words, as it fits.

All places are counted in characters (code points) from the beginning of the text.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, Protocol

Unit = Literal["heading", "paragraph", "sentence", "word"]
Span = tuple[int, int]

_MARKED = re.compile(
    r"^ {0,3}(?:(?P<fence>`{3,}|~{3,})(?P<rest>[^\r\n]*)"
    r"|(?P<heading>#{1,6}(?:[ \t][^\r\n]*)?)(?=[\r\n]|\Z))",
    re.MULTILINE,
)
_CLOSING = "\"'\u201d\u2019\u00bb)\\]"
"""Quotation marks and brackets that may stand behind the end of a sentence."""
_GAP = re.compile(rf"[.!?\u2026][{_CLOSING}]*(?P<after>\s+)|(?P<line>[\n\r]\s*)")
_WIDE_END = "\u3002\uff01\uff1f"
"""What ends a sentence in Chinese and Japanese, where no white space follows."""
_WIDE = re.compile(
    rf"{_GAP.pattern}|[{_WIDE_END}][{_WIDE_END}{_CLOSING}\u300d\u300f]*(?P<wide>\s*)"
)


class Level(IntEnum):
    """How strongly a gap parts what stands before it from what stands behind it."""

    LINE = 1
    SENTENCE = 2
    PARAGRAPH = 3
    HEADING = 4


_TRIED: dict[Unit, tuple[Level, ...]] = {
    "heading": (Level.PARAGRAPH, Level.SENTENCE, Level.LINE),
    "paragraph": (Level.PARAGRAPH, Level.SENTENCE, Level.LINE),
    "sentence": (Level.SENTENCE, Level.LINE),
    "word": (),
}


class Measure(Protocol):
    """The size of a part of one text."""

    def reach(self, start: int, size: int) -> int:
        """Return the last place to which a part from `start` on has at most `size`."""
        ...

    def back(self, end: int, size: int) -> int:
        """Return the first place from which a part up to `end` has at most `size`."""
        ...


class Characters:
    """Sizes in characters."""

    def reach(self, start: int, size: int) -> int:
        return start + size

    def back(self, end: int, size: int) -> int:
        return max(end - size, 0)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Sizes in tokens of the whole text, of which `starts` says where each begins, ascending."""

    starts: Sequence[int]
    length: int

    def reach(self, start: int, size: int) -> int:
        holding = self.starts[max(bisect_right(self.starts, start) - 1, 0) :][:1]
        behind = bisect_left(self.starts, holding[0]) + size if holding else 0
        return self.starts[behind] if behind < len(self.starts) else self.length

    def back(self, end: int, size: int) -> int:
        first = bisect_left(self.starts, end) - size
        return self.starts[first] if first > 0 else 0


@dataclass(frozen=True, slots=True)
class _Gaps:
    """Places to cut, ascending: in text[ends[i]:starts[i]] stands white space or nothing."""

    ends: list[int]
    starts: list[int]


@dataclass(frozen=True, slots=True)
class Cutter:
    """Cuts texts into chunks of at most `size`.

    A chunk goes as far as it may, and ends with the strongest unit that does end there: a
    paragraph, else a sentence, else a line, else a word, else within one. With `heading`, one that
    is followed by text begins a new chunk. The next chunk begins with up to `overlap` of the last
    one, from a sentence on or else from a line or word, but not over such a heading.
    """

    by: Unit
    size: int
    overlap: int

    def spans(self, text: str, measure: Measure) -> list[Span]:
        """Return the chunks, without white space at their ends; none where there is nothing else.

        Time: that of looking at the text a few times.
        """
        first, last = len(text) - len(text.lstrip()), len(text.rstrip())
        if first >= last:
            return []
        gaps = _gaps(text, first, last)
        sections = gaps[Level.HEADING] if self.by == "heading" else _Gaps([], [])
        starts, ends = [first, *sections.starts], [*sections.ends, last]
        found: list[Span] = []
        for section in zip(starts, ends, strict=True):
            found += self._section(text, section, gaps, measure)
        return found

    def _section(
        self, text: str, section: Span, gaps: dict[Level, _Gaps], measure: Measure
    ) -> Iterator[Span]:
        start, last = section
        done = start
        while True:
            reach = max(measure.reach(start, self.size), start + 1)
            if reach >= last:
                yield start, last
                return
            end, behind = self._cut(text, (done, reach), gaps)
            yield start, end
            done = end
            again = self._again(text, (start, end), gaps, measure) if self.overlap else end
            goes_on = again < end and measure.reach(again, self.size) > behind
            start = again if goes_on else behind

    def _cut(self, text: str, within: Span, gaps: dict[Level, _Gaps]) -> Span:
        """Return where a chunk ends, in (within[0], within[1]], and where the next may begin."""
        done, reach = within
        for level in _TRIED[self.by]:
            at = bisect_right(gaps[level].ends, reach) - 1
            if at >= 0 and gaps[level].ends[at] > done:
                return gaps[level].ends[at], gaps[level].starts[at]
        for end in range(reach, done, -1):
            if text[end].isspace() and not text[end - 1].isspace():
                behind = end
                while text[behind].isspace():
                    behind += 1
                return end, behind
        return reach, reach

    def _again(self, text: str, chunk: Span, gaps: dict[Level, _Gaps], measure: Measure) -> int:
        """Return from where on a chunk stands in the next one too; its end where it does not."""
        start, end = chunk
        first = max(measure.back(end, self.overlap), start + 1)
        for level in (Level.SENTENCE, Level.LINE):
            at = bisect_left(gaps[level].starts, first)
            if at < len(gaps[level].starts) and gaps[level].starts[at] < end:
                return gaps[level].starts[at]
        for place in range(first, end):
            if text[place - 1].isspace() and not text[place].isspace():
                return place
        return end


def _gaps(text: str, first: int, last: int) -> dict[Level, _Gaps]:
    """Return the gaps of text[first:last] that part at least so strongly, by level."""
    headings = dict(_headings(text))
    heading_ends = set(headings.values())
    by_level = [_Gaps([], []) for _ in Level]
    expression = _WIDE if any(each in text for each in _WIDE_END) else _GAP
    for match in expression.finditer(text, first, last):
        end, start = match.span(match.lastgroup or 0)
        while match.lastgroup == "line" and text[end - 1].isspace():
            end -= 1
        level = Level.LINE
        if end not in heading_ends:
            level = _level(match.lastgroup, text[end:start], start in headings)
        for gaps in by_level[:level]:
            gaps.ends.append(end)
            gaps.starts.append(start)
    return dict(zip(Level, by_level, strict=True))


def _level(kind: str | None, space: str, before_heading: bool) -> Level:
    if before_heading:
        return Level.HEADING
    if space.count("\n") > 1:
        return Level.PARAGRAPH
    return Level.LINE if kind == "line" else Level.SENTENCE


def _headings(text: str) -> Iterator[Span]:
    """Yield where the `#` headings of a Markdown text begin and end; not those in fenced code.

    Source: CommonMark 0.31, sections 4.2 and 4.5; what stands in lists or quotes is not looked at.
    """
    fence = ""
    for match in _MARKED.finditer(text):
        heading, marks, rest = match["heading"], match["fence"], match["rest"]
        if heading is not None:
            if not fence:
                yield match.start("heading"), match.start("heading") + len(heading.rstrip())
        elif not fence:
            fence = "" if marks[0] == "`" and "`" in rest else marks
        elif marks[0] == fence[0] and len(marks) >= len(fence) and not rest.strip():
            fence = ""
