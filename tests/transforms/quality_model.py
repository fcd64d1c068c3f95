"""The rules of `quality` for one text, as its papers tell them, in plain Python.

Words are what white space parts, as with `punctuation: attached`.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

STOP_WORDS = {"the", "be", "to", "of", "and", "that", "have", "with"}
CITATION = re.compile(r"\[\d*\]|\[edit\]|\[citation needed\]")
POLICY = (
    "terms of use",
    "privacy policy",
    "cookie policy",
    "uses cookies",
    "use of cookies",
    "use cookies",
)
SENTENCE = re.compile(r".*?[.!?][\"')\]\u201d\u2019]*(?:\s+|$)|.+$")
Fate = tuple[str | None, str]
"""Why a text goes, or None, and what is left of it."""


def gopher(text: str) -> Fate:
    words, lines = text.split(), text.splitlines()
    proper = [word for word in words if any(map(_counts, word))]
    if len(proper) < 50:
        return "too_short", text
    length = sum(map(len, proper)) / len(proper)
    dots = text.count("...") + text.count("…")
    bullets = sum(line.lstrip().startswith(("•", "-")) for line in lines)
    trailing = sum(line.rstrip().endswith(("...", "…")) for line in lines)
    rules = {
        "too_long": len(proper) > 100_000,
        "short_words": length < 3,
        "long_words": length > 10,
        "hashes": text.count("#") / len(words) > 0.1,
        "ellipses": dots / len(words) > 0.1,
        "bullet_lines": bullets / len(lines) > 0.9,
        "ellipsis_lines": trailing / len(lines) > 0.3,
        "few_alphabetic_words": sum(any(map(str.isalpha, each)) for each in words)
        < 0.8 * len(words),
        "few_stop_words": len(STOP_WORDS.intersection(words)) < 2,
    }
    return _first(rules), text


def _counts(character: str) -> bool:
    return unicodedata.category(character)[0] not in "PC" and character not in string.punctuation


def repetition(text: str) -> Fate:
    if not text:
        return "no_text", text
    rules: dict[str, bool] = {}
    parts = {"paragraph": re.split("\n\n+", text.strip()), "line": re.split("\n+", text)}
    for name, pieces in parts.items():
        again = [piece for at, piece in enumerate(pieces) if piece in pieces[:at]]
        rules[f"{name}s"] = len(again) / len(pieces) > 0.3
        rules[f"{name}_characters"] = sum(map(len, again)) / len(text) > 0.2
    words = text.split()
    for n, share in ((2, 0.2), (3, 0.18), (4, 0.16)):
        grams = Counter(" ".join(words[at : at + n]) for at in range(len(words) - n + 1))
        top = sum(len(gram) * count for gram, count in grams.most_common(1))
        rules[f"top_{n}_gram"] = top / len(text) > share
    for n, share in zip(range(5, 11), (0.15, 0.14, 0.13, 0.12, 0.11, 0.1), strict=True):
        rules[f"repeated_{n}_grams"] = _repeated(words, n) / len(text) > share
    return _first(rules), text


def _repeated(words: Sequence[str], n: int) -> int:
    """Return the characters in n-grams that stood before; one begins behind such a one."""
    seen: list[Sequence[str]] = []
    at = found = 0
    while at + n <= len(words):
        gram = words[at : at + n]
        again = gram in seen
        found += len("".join(gram)) if again else 0
        seen += [] if again else [gram]
        at += n if again else 1
    return found


def c4(text: str) -> Fate:
    kept: list[str] = []
    for whole in text.splitlines():
        line = CITATION.sub("", whole.strip())
        words = whole.split()
        ended = line.endswith((".", "?", "!", '"', "'")) and not line.endswith("...")
        if not ended or len(words) < 3 or any(len(word) > 1000 for word in words):
            continue
        if "lorem ipsum" in line.lower():
            return "lorem_ipsum", text
        if "javascript" in line.lower():
            continue
        if "{" in line:
            return "curly_bracket", text
        if not any(each in line.lower() for each in POLICY):
            kept.append(line)
    few = sum(len(SENTENCE.findall(line)) for line in kept) < 5
    return ("few_sentences" if few else None), "\n".join(kept).strip()


def fineweb(text: str) -> Fate:
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        return "no_lines", text
    again = sum(len(line) for at, line in enumerate(lines) if line in lines[:at])
    breaks = text.count("\n")
    rules = {
        "few_ended_lines": sum(line.endswith((".", "!", "?", "。")) for line in lines)
        < 0.12 * len(lines),
        "short_lines": sum(len(line) <= 30 for line in lines) / len(lines) > 0.67,
        "repeated_lines": again / (len(text) - breaks) > 0.01,
        "list": breaks / len(text.split()) > 0.3,
    }
    return _first(rules), text


def _first(rules: dict[str, bool]) -> str | None:
    return next((reason for reason, broken in rules.items() if broken), None)


MODELS: dict[str, Callable[[str], Fate]] = {
    "gopher": gopher,
    "gopher_repetition": repetition,
    "c4": c4,
    "fineweb": fineweb,
}


def judged(text: str | None, rules: Sequence[str]) -> tuple[str | None, str]:
    """Return under which name a text goes, or None, and what is left of one that stays."""
    if text is None:
        return "null_text", ""
    for name in rules:
        reason, text = MODELS[name](text)
        if reason is not None:
            return f"{name}.{reason}", ""
    return None, text
