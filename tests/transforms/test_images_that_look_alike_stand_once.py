"""dedup_images: fingerprints against plain loops, every near pair found, copies of pictures."""

from __future__ import annotations

import io
import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.errors import InvalidSpec
from tests.transforms.barriers import assert_columns_depend_as_told, passed
from tests.transforms.bench import Bench
from tests.transforms.pictures import Pixels, file_of, gradient, header_only, images
from tests.transforms.steps import texts
from transforms.engine.hashing import Words
from transforms.engine.images import MOST_PIXELS, fingerprint, opened
from transforms.engine.near.hamming import band_hashes
from transforms.engine.operators.dedup_images import DedupImages


def _print(data: bytes) -> int:
    with opened(data, MOST_PIXELS) as image:
        return fingerprint(image)


def _file(bits: int) -> bytes:
    """Return a small image with this fingerprint: in each row it gets lighter or darker."""
    steps = np.array([(bits >> place) & 1 for place in reversed(range(64))]).reshape(8, 8)
    across = np.concatenate([np.zeros((8, 1), int), np.cumsum(steps * 2 - 1, axis=1)], axis=1)
    return file_of((128 + across * 8).astype(np.uint8))


def _picture(seed: int) -> Pixels:
    """Return something like a photo: soft shapes of all sizes."""
    generator = np.random.default_rng(seed)
    found = np.zeros((240, 320, 3))
    for size in (4, 8, 16):
        noise = generator.integers(0, 255, (size, size, 3)).astype(np.uint8)
        layer = Image.fromarray(noise).resize((320, 240), Image.Resampling.BICUBIC)
        found += np.asarray(layer, float) / size
    pixels: Pixels = (found / found.max() * 255).astype(np.uint8)
    return pixels


PRINTS = st.integers(0, 2**64 - 1)


@settings(max_examples=60, deadline=None)
@given(PRINTS)
def test_each_bit_compares_two_neighbours(bits: int) -> None:
    assert _print(_file(bits)) == bits


def test_areas_are_compared_by_their_means() -> None:
    pixels = _picture(1)[:, :, 0]
    small = pixels[:240, :315].reshape(8, 30, 9, 35).mean(axis=(1, 3)).round()
    expected = [small[y, x] < small[y, x + 1] for y in range(8) for x in range(8)]
    told = _print(file_of(np.ascontiguousarray(pixels[:240, :315])))
    assert [bool(told >> place & 1) for place in reversed(range(64))] == expected


@settings(max_examples=200, deadline=None)
@given(PRINTS, st.integers(0, 7), st.data())
def test_near_fingerprints_meet_in_a_band(bits: int, distance: int, data: st.DataObject) -> None:
    flips = data.draw(st.sets(st.integers(0, 63), max_size=distance))
    other = bits
    for place in flips:
        other ^= 1 << place
    both: Words = np.array([bits, other], np.uint64)
    one, two = band_hashes(both, distance)
    assert (one == two).any()
    assert len(one) == distance + 1


def _firsts(prints: Sequence[int | None], distance: int) -> list[int]:
    """Return the places of those that stay: the first of each cluster, and what is no image."""
    first = list(range(len(prints)))
    pairs = [
        (a, b)
        for a, b in itertools.combinations(range(len(prints)), 2)
        if (one := prints[a]) is not None
        and (other := prints[b]) is not None
        and (one ^ other).bit_count() <= distance
    ]
    for _ in prints:
        for a, b in pairs:
            first[a] = first[b] = min(first[a], first[b])
    return [at for at, each in enumerate(first) if at == each]


BASES = [0, 2**64 - 1, 0xF0F0F0F0F0F0F0F0, 0x123456789ABCDEF0]
NEAR = st.tuples(st.sampled_from(BASES), st.sets(st.integers(0, 63), max_size=3))


def _flipped(base: int, places: set[int]) -> int:
    for place in places:
        base ^= 1 << place
    return base


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.none() | NEAR, min_size=1, max_size=14),
    st.integers(0, 5),
    st.lists(st.integers(0, 14), max_size=2),
    st.integers(1, 5),
)
def test_the_first_of_each_cluster_stays_whatever_the_shards(
    drawn: list[tuple[int, set[int]] | None], distance: int, cuts: list[int], partitions: int
) -> None:
    prints = [None if each is None else _flipped(*each) for each in drawn]
    batch = images(*(b"no image" if each is None else _file(each) for each in prints))
    edges = [0, *sorted(min(cut, len(prints)) for cut in cuts), len(prints)]
    shards = [[batch.slice(a, b - a)] for a, b in itertools.pairwise(edges)]
    found = passed(DedupImages(distance=distance), shards, partitions)
    expected = _firsts(prints, distance)
    assert [row["n"] for row in found.rows] == expected
    gone = len(prints) - len(expected)
    assert found.dropped == ({"duplicate_image": gone} if gone else {})


def _copies(pixels: Pixels) -> list[bytes]:
    """Return the picture smaller, in other formats and worse, turned with its orientation told."""
    image = Image.fromarray(pixels)
    found = []
    for size, encoding, quality in ((320, "webp", 50), (160, "jpeg", 40), (75, "jpeg", 90)):
        sink = io.BytesIO()
        image.resize((size, size * 3 // 4)).save(sink, encoding, quality=quality)
        found.append(sink.getvalue())
    turned = file_of(np.ascontiguousarray(np.rot90(pixels)), "jpeg", orientation=6)
    return [file_of(pixels), *found, turned]


def test_copies_of_a_picture_are_found_and_other_pictures_stay(bench: Bench) -> None:
    for seed in range(12):
        for at, data in enumerate(_copies(_picture(seed))):
            bench.write(f"{at}/{seed:02}.img", data)
    bench.write("9/torn.img", b"torn")
    bench.write("9/bomb.img", header_only(60_000, 60_000))
    steps: list[dict[str, object]] = [{"dedup_images": {}}, {"select": {"columns": ["path"]}}]
    planned = bench.plan(steps, shard_bytes=100_000, format="files")
    assert len(planned.shards) > 3
    report = bench.run(planned)
    kept = [row["path"] for row in bench.rows(report)]
    assert kept == [f"0/{seed:02}.img" for seed in range(12)] + ["9/bomb.img", "9/torn.img"]
    assert report.dropped == {"duplicate_image": 4 * 12}
    again = bench.run(planned, "again", threads=2)
    assert bench.files("again") == bench.files()
    assert again.outputs == report.outputs


def test_what_cannot_be_is_refused_when_planning() -> None:
    with pytest.raises(InvalidSpec, match="not the bytes of images"):
        DedupImages("text").output_schema(texts().schema)


def test_columns_depend_as_told() -> None:
    before = images(_file(0), _file(1), _file(2**64 - 1))
    changed = images(_file(5), _file(2**63 - 1), _file(0), first=7)
    assert_columns_depend_as_told(DedupImages(), before, changed)
    assert _print(file_of(gradient(90, 80))) == _print(file_of(gradient(180, 160)))
