"""Patterns of names: literal text and placeholders, never a regular expression of the user's.

    /acme/{team}/~/{layer:raw|clean|gold}-{topic}
    /acme/{team}/KEY/{id}

`{word}` stands for one or more of a-z, 0-9, `.`, `_` and `-` within a component; `{word:a|b}` for
one of these words; a placeholder that stands twice means the same text both times. `KEY` marks the
name of a key: no placeholder can match it and no name of data can hold it, so a pattern of keys
never matches data, and a pattern of data never matches a key. Source: NDN trust schema, LVS.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import lru_cache

from core.errors import InvalidSpec
from core.names import MARKER, VERSION

KEY_MARKER = "KEY"
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)(?::([^{}]*))?\}")
_LITERAL = re.compile(r"[a-z0-9._-]*")
_WORD = re.compile(r"[a-z0-9][a-z0-9._-]*")
MAX_PLACEHOLDERS = 3
"""In one component: what a match costs grows with their power."""

Bindings = dict[str, str]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A checked pattern of a component or of a whole name."""

    text: str
    regex: re.Pattern[str]
    alternatives: tuple[tuple[str, tuple[str, ...]], ...]
    """(placeholder, the words it may stand for)."""

    def match(self, text: str, bound: Bindings | None = None) -> Bindings | None:
        """Return what each placeholder stands for in `text`, or None when it does not match."""
        found = self.regex.fullmatch(text)
        if found is None:
            return None
        bindings = {key: value for key, value in found.groupdict().items() if value is not None}
        for key, value in (bound or {}).items():
            if bindings.setdefault(key, value) != value:
                return None
        return bindings

    @property
    def is_of_keys(self) -> bool:
        return KEY_MARKER in self.text.split("/")

    @property
    def example(self) -> str:
        """Return a text that matches."""
        words = dict(self.alternatives)
        return _PLACEHOLDER.sub(lambda m: words.get(m[1], (m[1].replace("_", "-"),))[0], self.text)

    def fit(self, text: str) -> str:
        """Return a text that matches, as near to `text` as the pattern lets it be.

        The closest of the listed words, and the last part of `text` for the last free word.
        """
        words, own = dict(self.alternatives), text.rpartition("/")[2]
        free = [m[1] for m in _PLACEHOLDER.finditer(self.text) if m[1] not in words]

        def filled(found: re.Match[str]) -> str:
            if found[1] in words:
                near = difflib.get_close_matches(own, words[found[1]], n=1, cutoff=0.0)
                return near[0] if near else words[found[1]][0]
            return own if found[1] == free[-1] else found[1].replace("_", "-")

        made = _PLACEHOLDER.sub(filled, self.text)
        return made if self.match(made) is not None else self.example


@lru_cache(maxsize=4096)
def component(text: str) -> Pattern:
    """Return the pattern of one component; raise InvalidSpec that says what is wrong."""
    if "/" in text:
        raise _wrong(text, "it is about one component and holds no '/'")
    return _compiled(text, [text])


@lru_cache(maxsize=4096)
def full(text: str) -> Pattern:
    """Return the pattern of a whole name, of data or of a key."""
    parts = text.split("/")
    if parts[0] or len(parts) < 2 or "" in parts[1:]:
        raise _wrong(text, "it begins with '/' and has no empty component")
    marks = [place for place, part in enumerate(parts) if part == KEY_MARKER]
    if marks and (marks != [len(parts) - 2] or MARKER in parts):
        raise _wrong(text, f"the name of a key is /domain/…/{KEY_MARKER}/id")
    return _compiled(text, parts[1:])


def _compiled(text: str, parts: list[str]) -> Pattern:
    seen: set[str] = set()
    alternatives: list[tuple[str, tuple[str, ...]]] = []
    regex = "/".join(_component(text, part, seen, alternatives) for part in parts)
    whole = ("/" if text.startswith("/") else "") + regex
    return Pattern(text, re.compile(whole), tuple(alternatives))


def _component(
    text: str, part: str, seen: set[str], alternatives: list[tuple[str, tuple[str, ...]]]
) -> str:
    if part in {MARKER, KEY_MARKER} or VERSION.fullmatch(part):
        return re.escape(part)
    if len(_PLACEHOLDER.findall(part)) > MAX_PLACEHOLDERS:
        raise _wrong(text, f"a component has at most {MAX_PLACEHOLDERS} placeholders")
    made, end = "", 0
    for found in _PLACEHOLDER.finditer(part):
        made += _literal(text, part[end : found.start()])
        made += _placeholder(text, found[1], found[2], seen, alternatives)
        end = found.end()
    return made + _literal(text, part[end:])


def _literal(text: str, part: str) -> str:
    if not _LITERAL.fullmatch(part):
        raise _wrong(text, f"{part!r} can stand in no name")
    return re.escape(part)


def _placeholder(
    text: str,
    word: str,
    choices: str | None,
    seen: set[str],
    alternatives: list[tuple[str, tuple[str, ...]]],
) -> str:
    if word in seen:
        if choices is not None:
            raise _wrong(text, f"{word!r} was told already what it may be")
        return f"(?P={word})"
    seen.add(word)
    if choices is None:
        return f"(?P<{word}>[a-z0-9._-]+)"
    words = tuple(choices.split("|"))
    if not all(_WORD.fullmatch(each) for each in words):
        raise _wrong(text, f"{choices!r} is not a list of words, as in raw|clean|gold")
    alternatives.append((word, words))
    return f"(?P<{word}>{'|'.join(re.escape(each) for each in words)})"


def _wrong(text: str, why: str) -> InvalidSpec:
    message = f"{text!r} is not a pattern: {why}."
    return InvalidSpec(message, errors=[{"where": "spec", "message": message}])
