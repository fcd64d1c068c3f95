"""What `chunk` does to one text, asked place by place."""

from __future__ import annotations

import re

from transforms.engine.chunking import Span, Unit

CLOSING = "\"'”’»)]"  # noqa: RUF001


class Model:
    """The same rules over one text, asked place by place."""

    def __init__(self, text: str, by: Unit, size: int, overlap: int) -> None:
        self.text, self.by, self.size, self.overlap = text, by, size, overlap
        self.headings: dict[int, int] = {}
        fence, at = "", 0
        for line in text.split("\n"):
            bare = line.lstrip(" ")
            mark = next((mark for mark in ("```", "~~~") if bare.startswith(mark)), "")
            if not fence and re.match(r"#{1,6}([ \t]|$)", bare) and len(line) - len(bare) < 4:
                self.headings[at + len(line) - len(bare)] = at + len(line.rstrip())
            elif not fence:
                fence = mark
            elif bare.rstrip() == fence:
                fence = ""
            at += len(line) + 1

    def behind(self, end: int) -> int:
        return end + len(self.text[end:]) - len(self.text[end:].lstrip())

    def strength(self, end: int) -> int:
        """Return 0 where no word ends, 1 for a word, then line, sentence, paragraph, heading."""
        space = self.text[end : self.behind(end)]
        before = self.text[:end]
        wide = re.search(rf"[。！？][。！？{re.escape(CLOSING)}」』]*\Z", before)  # noqa: RUF001
        if not space and wide and self.text[end : end + 1] not in f"。！？」』{CLOSING}":  # noqa: RUF001
            return 3
        if not space or before[-1:].isspace():
            return 0
        if end in self.headings.values():
            return 2
        if self.behind(end) in self.headings:
            return 5
        if space.count("\n") > 1:
            return 4
        if wide or re.search(rf"[.!?…][{re.escape(CLOSING)}]*\Z", before):
            return 3
        return 2 if "\n" in space else 1

    def parts(self, end: int, level: int) -> bool:
        return self.strength(end) >= level and (level > 1 or self.behind(end) > end)

    def spans(self) -> list[Span]:
        first, last = self.behind(0), len(self.text.rstrip())
        found: list[Span] = []
        start = done = first
        while start < last:
            end = self.end(start, done, last)
            found.append((start, end))
            done, start = end, self.next(start, end, last)
        return found

    def end(self, start: int, done: int, last: int) -> int:
        if self.by == "heading":
            breaks = [at for at in range(start + 1, last) if self.strength(at) == 5 and at > done]
            last = min([last, *breaks])
        reach = start + self.size
        if reach >= last:
            return last
        inside = list(range(done + 1, reach + 1))
        lowest = {"heading": 4, "paragraph": 4, "sentence": 3, "word": 1}[self.by]
        for level in range(lowest, 0, -1):
            fitting = [at for at in inside if self.parts(at, level)]
            if fitting:
                return fitting[-1]
        return reach

    def next(self, start: int, end: int, last: int) -> int:
        behind = self.behind(end)
        if (self.by == "heading" and self.strength(end) == 5) or not self.overlap or end == last:
            return behind
        again = [
            at
            for at in range(max(end - self.overlap, start + 1), end)
            if not self.text[at].isspace()
        ]
        for level in (3, 2, 1):
            for at in again:
                if self.parts(len(self.text[:at].rstrip()), level):
                    return at if at + self.size > behind else behind
        return behind
