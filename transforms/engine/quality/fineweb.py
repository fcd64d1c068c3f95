"""The quality rules of FineWeb. Source: Penedo et al. 2024, section 3.6, arXiv 2406.17557."""

from __future__ import annotations

from transforms.engine.arrow import Text
from transforms.engine.quality.pieces import (
    Cut,
    Verdicts,
    characters,
    found,
    occurrences,
    pieces_between,
    share,
)

REASONS = ("no_lines", "few_ended_lines", "short_lines", "repeated_lines", "list")
_SENTENCE_END = (
    r"[!.?\x{589}\x{61d}\x{61f}\x{6d4}\x{700}-\x{702}\x{7f9}\x{837}\x{839}\x{83d}\x{83e}"
    r"\x{964}\x{965}\x{104a}\x{104b}\x{1362}\x{1367}\x{1368}\x{166e}\x{1735}\x{1736}"
    r"\x{17d4}\x{17d5}\x{1803}\x{1809}\x{1944}\x{1945}\x{1aa8}-\x{1aab}\x{1b5a}\x{1b5b}"
    r"\x{1b5e}\x{1b5f}\x{1c3b}\x{1c3c}\x{1c7e}\x{1c7f}\x{203c}\x{203d}\x{2047}-\x{2049}"
    r"\x{2e2e}\x{2e3c}\x{3002}\x{a4ff}\x{a60e}\x{a60f}\x{a6f3}\x{a6f7}\x{a876}\x{a877}"
    r"\x{a8ce}\x{a8cf}\x{a92f}\x{a9c8}\x{a9c9}\x{aa5d}-\x{aa5f}\x{aaf0}\x{aaf1}\x{abeb}"
    r"\x{fe52}\x{fe56}\x{fe57}\x{ff01}\x{ff0e}\x{ff1f}\x{ff61}]"
)
"""The property Sentence_Terminal. Source: Unicode Standard Annex 44, Basic Multilingual Plane."""


def judge(texts: Text, cut: Cut) -> Verdicts:
    """Return which rule each text breaks first; no text is null."""
    verdicts = Verdicts.none(REASONS, len(texts))
    lines = pieces_between(texts, "\n")
    lines = lines.where(found(lines.values, r"[^\s\pZ\x0b\x1c-\x1f\x{85}]"))
    lengths, count = characters(lines.values), lines.count()
    ended = lines.count(found(lines.values, f"{_SENTENCE_END}$"))
    verdicts.fail("no_lines", count == 0)
    verdicts.fail("few_ended_lines", share(ended, count) < 0.12)
    verdicts.fail("short_lines", share(lines.count(lengths <= 30), count) > 0.67)
    again = lines.total(lengths * lines.repeated())
    breaks = occurrences(texts, "\n")
    verdicts.fail("repeated_lines", share(again, characters(texts) - breaks) > 0.01)
    verdicts.fail("list", share(breaks, cut(texts).count()) > 0.3)
    return verdicts
