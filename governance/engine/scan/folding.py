"""Full-width letters and digits, as Japanese and Chinese keyboards give them, as those of ASCII.

Detectors look at folded text. Each character stands for one, so a place in the folded text is the
same place in the text. A text without any such letter, digit or @ is not touched.
Source: Unicode 15, block Halfwidth and Fullwidth Forms.
"""

from __future__ import annotations

import re
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from governance.engine.scan.texts import Column, strings

_FIRST, _LAST, _DISTANCE = 0xFF01, 0xFF5E, 0xFF01 - 0x21
_BETWEEN = {0x3000: " ", 0x2010: "-", 0x2011: "-", 0x2212: "-"}
"""What such keyboards put between digits. Other marks, as the full-width colon, stay: they end
what stands before them, and their kin in ASCII may go on with it."""
_FOLDED = {
    **{
        code: chr(code - _DISTANCE)
        for code in range(_FIRST, _LAST + 1)
        if chr(code - _DISTANCE).isalnum() or chr(code - _DISTANCE) in "@.+-()_"
    },
    **_BETWEEN,
}
_WIDE = "[\uff0e\uff10-\uff19\uff20-\uff3a\uff41-\uff5a]"
"""The full stop, digits, the @ and letters: where one of them stands, the text is folded."""
_IN_PYTHON = re.compile(_WIDE)


def fold(text: str) -> str:
    """Return the text as the detectors see it."""
    if text.isascii() or not _IN_PYTHON.search(text):
        return text
    return text.translate(_FOLDED)


def folded(texts: Column) -> Column:
    """Return a text array as the detectors see it; the same one where nothing is to be folded.

    Cost: a look at each byte where all is ASCII, else one RE2 pass over the other texts; Python
    sees those that hold what is folded.
    """
    kept = cast("pa.StringArray", texts)
    places = _places(pc.invert(pc.string_is_ascii(kept)))
    if len(places):
        others = kept.take(places)
        wide = pc.match_substring_regex(others, _WIDE)
        places = places[_places(wide)]
    if not len(places):
        return texts
    mask = np.zeros(len(texts), np.bool_)
    mask[places] = True
    made = pa.array([fold(text) for text in strings(texts.filter(pa.array(mask)))], texts.type)
    return cast("Column", pc.replace_with_mask(kept, pa.array(mask), cast("pa.StringArray", made)))


def _places(flags: pa.BooleanArray) -> npt.NDArray[np.int64]:
    return np.flatnonzero(flags.fill_null(False).to_numpy(zero_copy_only=False))
