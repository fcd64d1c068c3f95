"""Texts that a command is given: as files, or on standard input."""

from __future__ import annotations

import sys
from pathlib import Path

from fairmesh.errors import UsageError


def text_of(file: str) -> str:
    """Return the text of a file in UTF-8, or for `-` of standard input; raise UsageError."""
    try:
        # as bytes, since the encoding of a text file would be that of the machine
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return raw.decode()
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} cannot be read as text: {error}.") from error
