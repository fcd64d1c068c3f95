"""image_size and image_filter: what headers say, what cannot be decoded, and bombs."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidSpec
from tests.transforms.bench import Bench
from tests.transforms.pictures import file_of, gradient, header_only, images
from tests.transforms.steps import applied, assert_columns_depend_as_told, texts
from transforms.engine.images import FORMATS
from transforms.engine.operators.image_filter import REASONS, ImageFilter
from transforms.engine.operators.image_size import ImageSize

SOUND = [file_of(gradient(40, 30), each) for each in FORMATS]
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")


def test_size_and_format_are_those_of_the_header() -> None:
    bad = [None, b"", b"no image", header_only(60_000, 60_000), SOUND[1][:20]]
    made = applied(ImageSize(), images(*SOUND, *bad)).batch
    assert made["width"].to_pylist() == [40] * 6 + [None, None, None, 60_000, None]
    assert made["height"].to_pylist() == [30] * 6 + [None, None, None, 60_000, None]
    assert made["format"].to_pylist() == [
        *(each.lower() for each in FORMATS), None, None, None, "png", None,
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["jpeg", "png", "webp", "tiff"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_size_is_that_of_the_image_as_it_is_shown(encoding: str, orientation: int) -> None:
    data = file_of(gradient(40, 30), encoding, orientation)
    made = applied(ImageSize(), images(data)).batch.to_pylist()
    turned = orientation > 4
    assert (made[0]["width"], made[0]["height"]) == ((30, 40) if turned else (40, 30))


SIDES = st.integers(1, 6)
FILES = {
    (width, height, encoding): file_of(gradient(width, height), encoding)
    for width in range(1, 7)
    for height in range(1, 7)
    for encoding in ("png", "bmp")
}


def _fate(step: ImageFilter, width: int, height: int, encoding: str) -> str | None:
    pixels = width * height
    rules = [
        ("too_many_pixels", pixels > step.max_pixels),
        ("other_format", bool(step.formats) and encoding not in step.formats),
        ("too_narrow", width < step.min_width),
        ("too_wide", width > (step.max_width or 99)),
        ("too_low", height < step.min_height),
        ("too_high", height > (step.max_height or 99)),
        ("too_few_pixels", pixels < step.min_pixels),
        ("too_long", max(width / height, height / width) > (step.max_aspect or 99)),
    ]
    return next((reason for reason, broken in rules if broken), None)


@settings(max_examples=200, deadline=None)
@given(
    st.builds(
        ImageFilter,
        formats=st.sampled_from([(), ("png",), ("bmp", "jpeg")]),
        min_width=st.integers(1, 3),
        max_width=st.none() | st.integers(3, 6),
        min_height=st.integers(1, 3),
        max_height=st.none() | st.integers(3, 6),
        min_pixels=st.integers(1, 8),
        max_pixels=st.integers(8, 36),
        max_aspect=st.none() | st.sampled_from([1.0, 1.5, 3.0]),
    ),
    st.lists(st.sampled_from(sorted(FILES)), max_size=12),
)
def test_each_row_has_the_fate_of_the_first_rule_it_breaks(
    step: ImageFilter, shapes: list[tuple[int, int, str]]
) -> None:
    made = applied(step, images(*(FILES[shape] for shape in shapes)))
    fates = [_fate(step, *shape) for shape in shapes]
    assert made.batch["n"].to_pylist() == [at for at, fate in enumerate(fates) if fate is None]
    assert made.dropped() == {fate: fates.count(fate) for fate in set(fates) if fate}


def test_what_cannot_be_decoded_is_no_image_and_a_bomb_is_not_decoded() -> None:
    whole = file_of(gradient(64, 64), "jpeg")
    bad = [None, b"", b"<svg/>", b"%!PS-Adobe", whole[: len(whole) // 2], header_only(9, 9)]
    made = applied(ImageFilter(), images(whole, *bad, header_only(60_000, 60_000)))
    assert made.batch["n"].to_pylist() == [0]
    assert made.dropped() == {"not_an_image": len(bad), "too_many_pixels": 1}


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(SOUND), st.lists(st.tuples(st.integers(0), st.integers(0, 255)), max_size=9))
def test_whatever_is_damaged_the_run_goes_on(sound: bytes, changes: list[tuple[int, int]]) -> None:
    data = bytearray(sound)
    for place, value in changes:
        data[place % len(data)] = value
    made = applied(ImageFilter(max_pixels=1_000_000), images(bytes(data), SOUND[0]))
    assert set(made.dropped()) <= set(REASONS)
    assert 1 in made.batch["n"].to_pylist()
    assert applied(ImageSize(), images(bytes(data))).batch.num_rows == 1


def test_a_folder_of_images_is_a_run_that_adds_up(bench: Bench) -> None:
    for n, data in enumerate([*SOUND, b"torn", header_only(9_000, 9_000)]):
        bench.write(f"photos/{n}.png", data)
    steps: list[dict[str, object]] = [
        {"image_size": {}},
        {"image_filter": {"formats": ["jpeg", "png", "gif"]}},
        {"select": {"columns": ["path", "width", "height", "format"]}},
    ]
    report = bench.run(bench.plan(steps, format="files"))
    assert report.dropped == {"not_an_image": 1, "other_format": 3, "too_many_pixels": 1}
    assert bench.rows(report) == [
        {"path": f"photos/{n}.png", "width": 40, "height": 30, "format": FORMATS[n].lower()}
        for n in (0, 1, 3)
    ]


def test_what_cannot_be_is_refused_when_planning() -> None:
    with pytest.raises(InvalidSpec, match="not the bytes of images"):
        ImageSize("text").output_schema(texts().schema)
    with pytest.raises(InvalidSpec, match="at least 9 and at most 8"):
        ImageFilter(min_width=9, max_width=8).output_schema(images().schema)
    taken = images().rename_columns(["width", "bytes"]).schema
    with pytest.raises(InvalidSpec, match="column 'width' already"):
        ImageSize().output_schema(taken)


WITHOUT_PILLOW = """\
import sys
sys.modules["PIL"] = None
import pyarrow as pa
from core.errors import InvalidSpec
from transforms.engine.operators.registry import OPERATORS
for name in ("image_size", "image_filter", "image_resize", "dedup_images"):
    step = OPERATORS[name]()
    assert step.versions() == {}
    try:
        step.output_schema(pa.schema([("bytes", pa.binary())]))
    except InvalidSpec as error:
        print(error)
"""


def test_without_pillow_the_plan_names_the_extra() -> None:
    told = subprocess.run(
        [sys.executable, "-c", WITHOUT_PILLOW], capture_output=True, text=True, check=True
    )
    assert told.stdout.count("the extra `images` brings it") == 4


def test_columns_depend_as_told() -> None:
    before, changed = images(SOUND[0], SOUND[1]), images(FILES[3, 2, "bmp"], b"x", first=7)
    assert_columns_depend_as_told(ImageSize(), before, changed)
    assert_columns_depend_as_told(ImageFilter(min_width=8), before, changed)


def test_a_wide_column_is_read_as_well() -> None:
    batch = images(SOUND[0])
    wide = batch.cast(batch.schema.set(1, batch.schema.field(1).with_type(pa.large_binary())))
    assert applied(ImageFilter(), wide).batch.num_rows == 1
    assert np.array_equal(applied(ImageSize(), wide).batch["width"].to_numpy(), [40])
