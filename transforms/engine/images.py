"""Images out of bytes: recognised by their header, bounded in pixels before any is decoded."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar, cast

import numpy as np
import pyarrow as pa

from transforms.engine.arrow import AnyField, Column, values_of
from transforms.engine.problems import Problem, refuse, require_column

try:
    from PIL import ExifTags, Image, ImageOps, features
except ImportError:  # the extra `images` is not installed; who asks for it is refused
    is_installed = False
else:
    is_installed = True
    Image.MAX_IMAGE_PIXELS = None  # every image is held to a limit of its own, `most_pixels`

T = TypeVar("T")
Encoding = Literal["jpeg", "png", "webp"]

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
"""The only decoders that bytes reach."""
NOT_AN_IMAGE, TOO_MANY_PIXELS = "not_an_image", "too_many_pixels"
DEEP = "pixels_of_numbers"
"""Samples of more than 8 bits, which no photo has: what is black and white in them is not told."""
MOST_PIXELS = 50_000_000
_DAMAGED = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    OverflowError,
    struct.error,
    zlib.error,
)
"""What Pillow raises over bytes that are no image, or a damaged one."""
_FINGERPRINT_SIDE = 128
_SIDEWAYS = range(5, 9)
"""EXIF orientations by which width and height change places."""


class NotUsable(Exception):
    """These bytes are no image that may be decoded; the reason is a word to count it under."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Header:
    """What an image says of itself: its format, and width and height with its orientation done."""

    size: tuple[int, int]
    format: str


def require_images(schema: pa.Schema, column: str, where: str) -> AnyField:
    """Return the field of `column`; raises InvalidSpec unless it holds bytes and Pillow is here."""
    found = require_column(schema, column, where)
    if not (pa.types.is_binary(found.type) or pa.types.is_large_binary(found.type)):
        raise refuse([Problem(where, f"{column!r} holds {found.type}, not the bytes of images.")])
    if not is_installed:
        message = "Pillow is not installed here; the extra `images` brings it."
        raise refuse([Problem("", message)])
    return found


def versions() -> Mapping[str, str]:
    """Return the libraries that decide what pixels and bytes come out, as far as they are here."""
    if not is_installed:
        return {}
    parts = ("pil", "jpg", "libjpeg_turbo", "webp", "zlib", "zlib_ng", "libtiff")
    found = {part: features.version(part) for part in parts}
    return {f"pillow {part}": str(each) for part, each in found.items() if each is not None}


def opened(data: bytes | None, most_pixels: int | None) -> Image.Image:
    """Return an image of which only the header was read; raises NotUsable."""
    if not data:
        raise NotUsable(NOT_AN_IMAGE)
    image = _guarded(lambda: Image.open(io.BytesIO(data), formats=FORMATS))
    if most_pixels is not None and image.width * image.height > most_pixels:
        raise NotUsable(TOO_MANY_PIXELS)
    return image


def decode(image: Image.Image) -> None:
    """Read the pixels of an opened image, of several frames the first; raises NotUsable."""
    _guarded(image.load)


def header_of(image: Image.Image) -> Header:
    """Return what an opened image says of itself; its pixels are not looked at."""
    # not the PNG's own getexif, which decodes the image to look for EXIF behind its pixels
    exif = _guarded(lambda: Image.Image.getexif(image))
    width, height = image.size
    is_turned = image.format == "TIFF"  # Pillow does it when it opens one
    if exif.get(ExifTags.Base.Orientation) in _SIDEWAYS and not is_turned:
        width, height = height, width
    name = str(image.format).lower()
    return Header((width, height), "jpeg" if name == "mpo" else name)


def shown(image: Image.Image, most: int) -> Image.Image:
    """Return the pixels as they are meant to be seen, upright, in L, RGB or RGBA; raises NotUsable.

    A JPEG may come in a half, a quarter or an eighth of its size, but no side below `most`.
    """
    image.draft(None, (most, most))
    decode(image)
    upright = _guarded(lambda: ImageOps.exif_transpose(image))
    plain = _guarded(lambda: upright.convert(_plain_mode(upright)))
    plain.info = {}  # Pillow would write what it finds here into the new file
    return plain


def _plain_mode(image: Image.Image) -> str:
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        return "RGBA"
    if image.mode in ("1", "L"):
        return "L"
    if image.mode in ("P", "RGB", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"):
        return "RGB"
    raise NotUsable(DEEP)


def resized(image: Image.Image, size: tuple[int, int], crop: bool) -> Image.Image:
    """Return the image in exactly this size; with `crop` of its middle, else all of it."""
    if image.size == size:
        return image
    if crop:
        return ImageOps.fit(image, size, Image.Resampling.LANCZOS)
    return image.resize(size, Image.Resampling.LANCZOS)


def encoded(image: Image.Image, encoding: Encoding, quality: int) -> bytes:
    """Return the file of an image in L, RGB or RGBA: no metadata, and every option pinned.

    JPEG has no transparency: what was transparent becomes white.
    """
    sink = io.BytesIO()
    if encoding == "png":
        image.save(sink, "PNG", compress_level=6, optimize=False)
    elif encoding == "webp":
        image.save(sink, "WEBP", quality=quality, method=4, lossless=False, exact=False)
    else:
        if image.mode == "RGBA":
            image = _over_white(image)
        image.save(sink, "JPEG", quality=quality, subsampling="4:2:0", progressive=False)
    return sink.getvalue()


def fingerprint(image: Image.Image) -> int:
    """Return 64 bits, each whether one of 9 by 8 areas is darker than the one to its right.

    Images that look alike differ in few of them. The areas are those of the image as it is shown,
    over white, and their brightness is the mean of their pixels; the first bit is the top left.
    Source: Krawetz 2013, "Kind of Like That" (dHash).
    """
    plain = shown(image, _FINGERPRINT_SIDE)
    if plain.mode == "RGBA":
        plain = _over_white(plain)
    areas = plain.convert("L").resize((9, 8), Image.Resampling.BOX)
    means = np.asarray(areas, np.int16)
    return int.from_bytes(np.packbits(means[:, :-1] < means[:, 1:]).tobytes(), "big")


def _over_white(image: Image.Image) -> Image.Image:
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def each_of(
    column: Column, most_pixels: int | None, ask: Callable[[Image.Image], T]
) -> tuple[list[T | None], list[str | None]]:
    """Return what `ask` answers for each image, and why it cannot be asked where it cannot."""
    answers: list[T | None] = []
    reasons: list[str | None] = []
    for data in cast("list[bytes | None]", values_of(column)):
        answer, reason = None, None
        try:
            with opened(data, most_pixels) as image:
                answer = ask(image)
        except NotUsable as error:
            reason = error.reason
        answers.append(answer)
        reasons.append(reason)
    return answers, reasons


def _guarded(work: Callable[[], T]) -> T:
    try:
        return work()
    except _DAMAGED as error:
        raise NotUsable(NOT_AN_IMAGE) from error
