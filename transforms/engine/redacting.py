"""Where personal data and secrets stand in a text, from their first character to their last.

What a match is, the detectors of the scan say (governance/engine/scan). They need not see the whole
of it to be sure: the name before an @, the rest of a token and the body of a key are found here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from governance.engine.scan.detectors import PERSONAL, SECRETS, Detector
from governance.engine.scan.folding import fold, folded
from governance.engine.scan.validators import IBAN_LENGTHS
from transforms.engine.arrow import Text, text_of

KINDS: Mapping[str, tuple[Detector, ...]] = {
    **{detector.id: (detector,) for detector in PERSONAL},
    "secrets": SECRETS,
}
_MARKS = "\u3001\u3002\u300c-\u300f\uff01\uff08\uff09\uff0c\uff1a\uff1b\uff1f"
"""Of scripts that have no spaces: a name does not begin before one."""
_LOCAL_PART = re.compile(rf"(?:[^\s@\"'(),:;<>\[\]\\{_MARKS}]|(?<=\w)'(?=\w))+\Z")
_LONGEST_LOCAL_PART = 256
_TOKEN = re.compile(r"[A-Za-z0-9_-]*")
_KEY_END = re.compile(r"-----END [A-Z ]{0,40}-----")


@dataclass(frozen=True, slots=True)
class Found:
    """text[start:end] is what `detector` looks for."""

    start: int
    end: int
    detector: Detector


def found_in(text: str, detectors: Sequence[Detector]) -> list[Found]:
    """Return what the detectors find, in order and apart; what overlaps is one, by its first."""
    seen = fold(text)
    spans = sorted(
        (found for detector in detectors for found in _of_one(seen, detector)),
        key=lambda found: (found.start, -found.end),
    )
    apart: list[Found] = []
    for span in spans:
        if apart and span.start < apart[-1].end:
            last = apart[-1]
            apart[-1] = Found(last.start, max(last.end, span.end), last.detector)
        else:
            apart.append(span)
    return apart


def _of_one(text: str, detector: Detector) -> Iterator[Found]:
    whole = _WHOLE.get(detector.id, _token if detector in SECRETS else _as_matched)
    done = 0
    for match in detector.find.finditer(text):
        if match.end() <= done and whole in (_token, _key):
            continue  # it would end where the one before ends, and looking again takes long
        if detector.check is None or detector.check(text, match):
            start, done = whole(text, match)
            yield Found(start, done, detector)


def _as_matched(text: str, match: re.Match[str]) -> tuple[int, int]:
    return match.span()


def _address(text: str, match: re.Match[str]) -> tuple[int, int]:
    """A match holds the last character before the @, or a name in quotes."""
    if match[0][0] == '"':
        return match.span()
    first = max(match.start() + 1 - _LONGEST_LOCAL_PART, 0)
    local = _LOCAL_PART.search(text, first, match.start() + 1)
    return (local.start() if local else match.start()), match.end()


def _account(text: str, match: re.Match[str]) -> tuple[int, int]:
    """A match holds the country and the check digits."""
    left, end = IBAN_LENGTHS[match[0][:2].upper()], match.start()
    while left:
        left -= text[end].isalnum()
        end += 1
    return match.start(), end


def _token(text: str, match: re.Match[str]) -> tuple[int, int]:
    """A match holds as much of a token as tells it from other words."""
    rest = _TOKEN.match(text, match.end())
    return match.start(), rest.end() if rest else match.end()


def _key(text: str, match: re.Match[str]) -> tuple[int, int]:
    """A match holds the first line; a key whose last line is missing takes all that follows."""
    last = _KEY_END.search(text, match.end())
    return match.start(), last.end() if last else len(text)


_WHOLE: Mapping[str, Callable[[str, re.Match[str]], tuple[int, int]]] = {
    "email": _address,
    "iban": _account,
    "secret.private-key": _key,
}


def showing(texts: Text, detectors: Sequence[Detector]) -> npt.NDArray[np.bool_]:
    """Return which texts the scan would find something in; a null is none of them.

    One RE2 pass of all patterns together; only what it leaves is looked at by each detector.
    """
    patterns = "|".join(f"(?:{detector.look})" for detector in detectors)
    seen = text_of(folded(texts))
    flags = _matched(seen, patterns)
    places = np.flatnonzero(flags)
    suspects = seen.take(places)
    true = np.zeros(len(places), np.bool_)
    for detector in detectors:
        looks = _matched(suspects, detector.look)
        if detector.check is not None:
            at = np.flatnonzero(looks)
            strings = cast("list[str]", suspects.take(at).to_pylist())
            looks[at] = np.fromiter(map(detector.matches, strings), np.bool_, len(at))
        true |= looks
    flags[places] = true
    return flags


def _matched(texts: Text, pattern: str) -> npt.NDArray[np.bool_]:
    mask = pc.match_substring_regex(texts, pattern).fill_null(False)
    return np.array(mask.to_numpy(zero_copy_only=False))
