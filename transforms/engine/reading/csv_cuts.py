"""Where a CSV file can be cut, so that many workers read one large file.

Whether a newline ends a record depends on all the quotes before it, which nobody has read who
begins in the middle. So it is guessed from what stands around: read in one way the records have as
many fields as the header and the quotes stand at the edges of fields, in the other way they do not.

The guess is proved. The pieces on both sides of a cut ask the same bytes and so agree on it, and
whoever reads a piece that another follows counts its quotes: the first piece begins with a record,
so if its quotes are even in number the second begins with one, too, and so on. A piece with an odd
number is refused; if none is, every record is the one that a single reader would have found.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.errors import Invalid
from transforms.engine.reading.csv import header_of
from transforms.engine.reading.records import MOST_RECORD_BYTES, Positions, bytes_of
from transforms.engine.sources import ByteSource

HEADER_BYTES = 1024 * 1024
"""Within these a file's header has to end."""
_WINDOW, _LARGE_WINDOW = 64 * 1024, 4 * 1024 * 1024
_CLEAR = 0.5
"""By how much one way of reading has to fit better, from 0 to 1, to need no larger window."""
_NEWLINE, _RETURN, _QUOTE, _COMMA = b"\n"[0], b"\r"[0], b'"'[0], b","[0]
_BEFORE_A_FIELD = (_COMMA, _NEWLINE, _QUOTE)
_BEHIND_A_FIELD = (_COMMA, _NEWLINE, _RETURN, _QUOTE)
"""A quote that is doubled is one that ends a field beside one that begins the next."""


class CannotBeCut(Invalid):
    """The quotes of a file do not tell where its records end."""

    code = "cannot_be_cut"
    title = "A file cannot be read by several workers"


def next_record(source: ByteSource, position: int, path: str) -> int:
    """Return the start of the first record that begins at or behind `position`: a guess, see above.

    It depends on the bytes of the file alone. Raises Invalid for a file without a usable header.
    """
    if position <= 0:
        return 0
    header, _ = header_of(source.read_range(0, HEADER_BYTES), path)
    window, left = _WINDOW, source.size - (position - 1)
    while True:
        data, is_rest = source.read_range(position - 1, window), window >= left
        ways = [_Reading.of(data, quotes_before) for quotes_before in (0, 1)]
        outside, inside = (way.fit(len(header), is_rest=is_rest) for way in ways)
        if is_rest or window >= _LARGE_WINDOW or abs(outside - inside) >= _CLEAR:
            ends = ways[inside > outside].ends
            if len(ends):
                return position - 1 + int(ends[0])
        if is_rest:
            return source.size
        if window > MOST_RECORD_BYTES:
            raise CannotBeCut(f"{path} holds a record that is too long.", path=path)
        window *= 8


def check_even(quotes: int, end: int, path: str) -> None:
    """Raise CannotBeCut when a piece that ends at byte `end` holds an odd number of quotes."""
    if quotes % 2:
        raise CannotBeCut(
            f"{path} cannot be read by several workers: before byte {end} a quote is not closed, "
            "or stands where none should. Mend the file, or say `cut: false` for this input.",
            path=path,
        )


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to read some bytes: with or without a quote open where they begin."""

    values: npt.NDArray[np.uint8]
    quotes: Positions
    quotes_before: int
    ends: Positions
    """Behind the newlines that end records."""
    commas: Positions
    """Those that end fields."""

    @classmethod
    def of(cls, data: bytes, quotes_before: int) -> _Reading:
        values = bytes_of(data)
        quotes = np.flatnonzero(values == _QUOTE)
        newlines, commas = (
            found[(np.searchsorted(quotes, found) + quotes_before) % 2 == 0]
            for found in (np.flatnonzero(values == each) for each in (_NEWLINE, _COMMA))
        )
        return cls(values, quotes, quotes_before, newlines + 1, commas)

    def fit(self, fields: int, *, is_rest: bool) -> float:
        """Return how much of what is seen is as it should be, from 0 to 1."""
        if is_rest and (self.quotes_before + len(self.quotes)) % 2:
            return 0.0  # the file would end within quotes
        lengths = np.diff(self.ends)
        counts = np.diff(np.searchsorted(self.commas, self.ends)) + 1
        told = counts[lengths > 2]  # a shorter one may be a blank line
        right = int((told == fields).sum()) + int(self._in_place().sum())
        return right / max(1, len(told) + len(self.quotes))

    def _in_place(self) -> npt.NDArray[np.bool_]:
        """Say of each quote whether it stands at the edge of a field."""
        opens = (np.arange(len(self.quotes)) + self.quotes_before) % 2 == 0
        edged = np.concatenate([[_NEWLINE], self.values, [_NEWLINE]])
        before, behind = edged[self.quotes], edged[self.quotes + 2]
        return np.where(opens, np.isin(before, _BEFORE_A_FIELD), np.isin(behind, _BEHIND_A_FIELD))
