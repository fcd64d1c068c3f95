"""Shows where the asked terms stand in a text, as HTML that is safe to insert."""

from __future__ import annotations

from collections.abc import Collection
from html import escape

from catalog.engine.text import normal, tokens

_OPEN, _CLOSE = "<mark>", "</mark>"
_LONGEST = 8000
"""Characters in which a snippet is sought, so that a page costs the same for long texts."""
_LEAD = 40
"""Characters shown before the first marked word of a snippet."""


def marked(text: str, terms: Collection[str]) -> str:
    """Return the text with `<mark>` around the asked words and everything else escaped."""
    text = normal(text)
    return _render(text, _spans(text, terms), 0, len(text))


def snippet(text: str, terms: Collection[str], width: int = 240) -> str:
    """Return the piece of about `width` characters with the most asked words in it, marked.

    Without any asked word it is the beginning. A cut is shown as `…`, and is between words.
    """
    text = " ".join(normal(text[:_LONGEST]).split())
    spans = _spans(text, terms)
    start = _best_start(spans, width) if len(text) > width else 0
    if start > 0:
        start = text.find(" ", start) + 1
    end = min(start + width, len(text))
    if end < len(text):
        end = max(text.rfind(" ", start, end), start + 1)
    shown = _render(
        text, [span for span in spans if span[0] >= start and span[1] <= end], start, end
    )
    return ("…" if start else "") + shown + ("…" if end < len(text) else "")


def _spans(text: str, terms: Collection[str]) -> list[tuple[int, int]]:
    """Return where asked words are, in order, without overlaps."""
    merged: list[tuple[int, int]] = []
    found = sorted((token.start, token.end) for token in tokens(text) if token.term in terms)
    for start, end in found:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _best_start(spans: list[tuple[int, int]], width: int) -> int:
    if not spans:
        return 0
    best, most = 0, 0
    for first, (start, _) in enumerate(spans):
        held = sum(1 for _, end in spans[first:] if end <= start + width - _LEAD)
        if held > most:
            best, most = start, held
    return max(best - _LEAD, 0)


def _render(text: str, spans: list[tuple[int, int]], start: int, end: int) -> str:
    pieces, at = [], start
    for left, right in spans:
        pieces += [escape(text[at:left]), _OPEN, escape(text[left:right]), _CLOSE]
        at = right
    return "".join([*pieces, escape(text[at:end])])
