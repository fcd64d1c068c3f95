"""image_resize: sizes, orientation, colours, metadata, and equal bytes."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.errors import InvalidSpec
from tests.transforms.pictures import Pixels, file_of, gradient, header_only, images, pixels_of
from tests.transforms.steps import applied, assert_columns_depend_as_told
from transforms.engine.images import Encoding
from transforms.engine.operators.image_resize import ImageResize

ENCODINGS: list[Encoding] = ["jpeg", "png", "webp"]


def _made(step: ImageResize, data: bytes) -> bytes:
    (row,) = applied(step, images(data)).batch.to_pylist()
    made: bytes = row["bytes"]
    return made


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 64))
def test_the_longer_side_is_bounded_and_nothing_is_enlarged(
    width: int, height: int, longest: int
) -> None:
    data = file_of(gradient(width, height))
    made = pixels_of(_made(ImageResize(longest=longest, encoding="png"), data))
    assert max(made.shape[:2]) == min(longest, max(width, height))
    share = min(longest / max(width, height), 1)
    assert abs(made.shape[1] - width * share) <= 1
    assert abs(made.shape[0] - height * share) <= 1
    assert min(made.shape[:2]) >= 1


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 64), st.integers(1, 64))
def test_an_exact_size_is_exact(width: int, height: int, wide: int, high: int) -> None:
    step = ImageResize(width=wide, height=high, encoding="png")
    made = pixels_of(_made(step, file_of(gradient(width, height))))
    assert made.shape == (high, wide, 3)


def test_pixels_are_means_of_those_they_stand_for() -> None:
    pixels = gradient(64, 32)
    made = pixels_of(_made(ImageResize(longest=16, encoding="png"), file_of(pixels)))
    means = pixels.reshape(8, 4, 16, 4, 3).mean(axis=(1, 3))
    assert np.abs(made - means).max() < 4


def test_of_an_exact_size_the_middle_is_kept() -> None:
    pixels = np.zeros((20, 60, 3), np.uint8)
    pixels[:, 20:40] = 255
    made = pixels_of(_made(ImageResize(width=20, height=20, encoding="png"), file_of(pixels)))
    assert (made == 255).all()


TURNS: dict[int, Any] = {
    1: lambda each: each,
    2: np.fliplr,
    3: lambda each: np.rot90(each, 2),
    4: np.flipud,
    5: lambda each: each.transpose(1, 0, 2),
    6: lambda each: np.rot90(each, -1),
    7: lambda each: np.rot90(each, 2).transpose(1, 0, 2),
    8: np.rot90,
}


@pytest.mark.parametrize("source", ["png", "tiff"])
@pytest.mark.parametrize("orientation", TURNS)
def test_the_orientation_is_done_and_no_metadata_stays(orientation: int, source: str) -> None:
    pixels: Pixels = gradient(12, 8)
    made = _made(ImageResize(longest=12, encoding="png"), file_of(pixels, source, orientation))
    assert np.array_equal(pixels_of(made), TURNS[orientation](pixels))
    with Image.open(io.BytesIO(made)) as image:
        assert image.info == {}
        assert not image.getexif()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_no_metadata_of_any_kind_gets_through(encoding: Encoding) -> None:
    sink = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    Image.fromarray(gradient(32, 32)).save(
        sink, "jpeg", exif=exif, comment=b"A secret", icc_profile=b"A profile", xmp=b"<A place/>"
    )
    for word in (b"A camera", b"A secret", b"A profile", b"A place"):
        assert word in sink.getvalue()
        assert word not in _made(ImageResize(longest=32, encoding=encoding), sink.getvalue())


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("source", ["jpeg", "png", "webp"])
def test_the_same_image_gives_the_same_bytes(encoding: Encoding, source: str) -> None:
    data = file_of(gradient(300, 200), source)
    step = ImageResize(longest=100, encoding=encoding)
    first, *others = applied(step, images(data, data, data)).batch["bytes"].to_pylist()
    assert others == [first, first]
    assert _made(ImageResize(longest=100, encoding=encoding), data) == first
    with Image.open(io.BytesIO(first)) as image:
        assert str(image.format).lower() == encoding
        assert image.size == (100, 67)


def test_transparency_is_kept_where_it_can_be_and_white_in_a_jpeg() -> None:
    clear = np.zeros((8, 8, 4), np.uint8)
    clear[:, :4] = (255, 0, 0, 255)
    data = file_of(clear)
    kept = pixels_of(_made(ImageResize(longest=8, encoding="png"), data))
    assert np.array_equal(kept, clear)
    flat = pixels_of(_made(ImageResize(longest=8), data)).astype(int)
    assert np.abs(flat[:, 6] - 255).max() < 12
    assert np.abs(flat[:, 1] - (255, 0, 0)).max() < 12


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "CMYK"])
def test_any_mode_of_eight_bits_is_taken(mode: str) -> None:
    encoding = "tiff" if mode == "CMYK" else "png"
    data = file_of(gradient(32, 32), encoding, mode=mode)
    made = pixels_of(_made(ImageResize(longest=16, encoding="png"), data))
    assert made.shape[:2] == (16, 16)
    assert made.ndim == (2 if mode in ("1", "L") else 3)


def test_what_goes_is_counted() -> None:
    deep = io.BytesIO()
    Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8) * 1000).save(deep, "png")
    good = file_of(gradient(8, 8))
    bad = (None, b"x", header_only(9_000, 9_000), deep.getvalue())
    made = applied(ImageResize(longest=8), images(*bad, good, first=3))
    assert made.batch["n"].to_pylist() == [7]
    assert made.dropped() == {"not_an_image": 2, "too_many_pixels": 1, "pixels_of_numbers": 1}


@pytest.mark.parametrize(
    "step",
    [
        ImageResize(),
        ImageResize(width=3),
        ImageResize(height=3),
        ImageResize(longest=3, width=3),
        ImageResize(longest=3, width=3, height=3),
    ],
)
def test_one_size_must_be_given(step: ImageResize) -> None:
    with pytest.raises(InvalidSpec, match="either `longest`, or"):
        step.output_schema(images().schema)


def test_columns_depend_as_told() -> None:
    before = images(file_of(gradient(9, 9)), file_of(gradient(5, 9)))
    changed = images(file_of(gradient(9, 3)), b"x", first=7)
    assert_columns_depend_as_told(ImageResize(longest=4), before, changed)
