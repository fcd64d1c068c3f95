"""What a scan is given: some rows of a file, column by column."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from core.errors import FairmeshError
from transforms.engine.arrow import Column

LINES = ""
"""The column of what is no row of any."""


class NotText(FairmeshError):
    """The file is neither rows nor text; a scan leaves it out, and says so."""

    code = "not_text"
    title = "The file holds no text"
    status = 422


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows of a file, column by column."""

    rows: int
    columns: tuple[tuple[str, Column], ...]


def lines_of(data: bytes) -> Block:
    """Return bytes that are no rows as lines of text."""
    lines = data.decode(errors="replace").splitlines()
    return Block(len(lines), ((LINES, pa.array(lines, pa.large_string())),))
