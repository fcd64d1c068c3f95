"""What bytes are, told by how they begin: the images and sounds that data sets are made of."""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.engine.arrow import Column

_BEGINNINGS = (
    (0, b"\xff\xd8\xff", "jpg"),
    (0, b"\x89PNG\r\n\x1a\n", "png"),
    (8, b"WEBP", "webp"),
    (8, b"WAVE", "wav"),
    (0, b"fLaC", "flac"),
    (0, b"OggS", "ogg"),
    (0, b"ID3", "mp3"),
    (0, b"\xff\xfb", "mp3"),
    (0, b"GIF87a", "gif"),
    (0, b"GIF89a", "gif"),
    (0, b"II*\x00", "tiff"),
    (0, b"MM\x00*", "tiff"),
)
_RIFF = b"RIFF"
"""Stands before WEBP and WAVE."""
UNKNOWN = "bin"
SUFFIXES = (UNKNOWN, *dict.fromkeys(suffix for _, _, suffix in _BEGINNINGS))
MEDIA_SUFFIXES = frozenset({*SUFFIXES, "jpeg", "tif", "bmp", "opus", "m4a"} - {UNKNOWN})


def suffixes_of(column: Column) -> npt.NDArray[np.int64]:
    """Return for each binary value where in SUFFIXES its usual ending stands, 0 if it has none."""
    found = np.zeros(len(column), np.int64)
    known = column.is_null().to_numpy(zero_copy_only=False)
    for at, beginning, suffix in _BEGINNINGS:
        if known.all():
            break
        fits = _begins(column, at, beginning) & ~known
        if at:
            fits &= _begins(column, 0, _RIFF)
        found[fits] = SUFFIXES.index(suffix)
        known |= fits
    return found


def _begins(column: Column, at: int, beginning: bytes) -> npt.NDArray[np.bool_]:
    values = cast("pa.BinaryArray", column)
    piece = pc.binary_slice(values, at, at + len(beginning))
    equal = pc.equal(piece, pa.scalar(beginning, piece.type))
    found: npt.NDArray[np.bool_] = equal.fill_null(False).to_numpy(zero_copy_only=False)
    return found
