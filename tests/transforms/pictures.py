"""Images made here: files of every format out of arrays of pixels."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from PIL import Image

Pixels = npt.NDArray[np.uint8]


def gradient(width: int, height: int) -> Pixels:
    """Return RGB pixels that differ from left to right and from top to bottom."""
    across = np.linspace(0, 255, width)[None, :].repeat(height, axis=0)
    down = np.linspace(0, 255, height)[:, None].repeat(width, axis=1)
    return np.stack([across, down, 255 - across], axis=2).astype(np.uint8)


def file_of(pixels: Pixels, encoding: str = "png", orientation: int = 1, mode: str = "") -> bytes:
    """Return an image file that says to be shown turned as EXIF's `orientation` has it."""
    image = Image.fromarray(pixels)
    if mode:
        image = image.convert(mode)
    exif = Image.Exif()
    if orientation != 1:
        exif[0x0112] = orientation
        exif[0x010F] = "A camera"
    sink = io.BytesIO()
    image.save(sink, encoding, exif=exif)
    return sink.getvalue()


def pixels_of(data: bytes) -> Pixels:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def header_only(width: int, height: int) -> bytes:
    """Return a PNG that claims a size, and holds no pixel."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 4) + b"IDAT"


def images(*files: bytes | None, first: int = 0) -> pa.RecordBatch:
    """Return a batch of these files, numbered from `first` on."""
    numbers: Sequence[int] = range(first, first + len(files))
    return pa.RecordBatch.from_arrays(
        [pa.array(numbers, pa.int64()), pa.array(files, pa.binary())], names=["n", "bytes"]
    )
