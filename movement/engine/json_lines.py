"""JSON lines are looked at before pyarrow parses them.

Its reader, in version 26, ends the process in two cases: what it is given begins with `null`, which
in other places it takes for a row of nulls; or it finds the types of something that is nested some
thousand times. One line is enough. So nothing goes there but objects, one or more a line, and where
types are to be found, none that are nested without end.
"""

from __future__ import annotations

import io
import itertools
import re
from typing import BinaryIO

import numpy as np
import pyarrow as pa

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
MOST_DEPTH = 500
_NEWLINE, _OPENING, _CLOSING = 0x0A, b"[{", b"]}"
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?+', re.DOTALL)
_NO_OBJECT = re.compile(rb"\n(?!\{)[ \t\r]*[^ \t\r\n{]")


def begins_an_object(line: bytes) -> bool:
    """Return whether a line that is not blank can be an object, as far as its beginning tells."""
    return line.removeprefix(BYTE_ORDER_MARK).lstrip(b" \t\r").startswith(b"{")


def require_objects(data: bytes) -> None:
    """Raise pa.ArrowInvalid where a line of `data` begins with something else, or is too deep."""
    ObjectLines(io.BytesIO(data)).read()
    if _opens_much(data) and any(map(is_too_deep, data.split(b"\n"))):
        raise pa.ArrowInvalid(f"A line is nested more than {MOST_DEPTH} times.")


def _opens_much(data: bytes) -> bool:
    """Return whether some line has so many opening brackets that it may be too deep."""
    values = np.frombuffer(data, np.uint8)
    opening = np.flatnonzero((values == _OPENING[0]) | (values == _OPENING[1]))
    line = np.searchsorted(np.flatnonzero(values == _NEWLINE), opening)
    return bool((line[MOST_DEPTH:] == line[:-MOST_DEPTH]).any())


def is_too_deep(line: bytes) -> bool:
    """Return whether a line of JSON is nested more than MOST_DEPTH times."""
    if line.count(_OPENING[:1]) + line.count(_OPENING[1:]) <= MOST_DEPTH:
        return False
    steps = ((each in _OPENING) - (each in _CLOSING) for each in _STRING.sub(b"", line))
    return max(itertools.accumulate(steps)) > MOST_DEPTH


class ObjectLines(io.RawIOBase):
    """JSON lines as a stream for pyarrow: raises pa.ArrowInvalid before it gives what is no object.

    Cost: a search for each newline, about a GB a second.
    """

    def __init__(self, lines: BinaryIO) -> None:
        super().__init__()
        self._lines = lines
        self._at_start = True
        self._held = b"\n"
        """What stands for the line so far: a newline while it is blank, else a brace."""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._lines.read(size)
        told = data.removeprefix(BYTE_ORDER_MARK) if self._at_start else data
        self._at_start = False
        if _NO_OBJECT.search(self._held + told):
            raise pa.ArrowInvalid("A line is no JSON object.")
        newline = told.rfind(b"\n")
        if told[newline + 1 :].strip(b" \t\r"):
            self._held = b"{"
        elif newline >= 0:
            self._held = b"\n"
        return data
