"""A compressed file that ends too early stops the run, wherever it was cut, and is named."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest
import zstandard

from core.errors import Invalid
from tests.transforms.bench import Bench
from transforms.engine.scanning import blocks_of
from transforms.engine.sources import MemorySource

ROWS = b"".join(b'{"n": %d, "text": "%d"}\n' % (n, n * n) for n in range(3000))
STEPS = [{"select": {"columns": ["n"]}}]
PACKED: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "zst": zstandard.compress}


@pytest.mark.parametrize("declared", [None, {"n": "int64"}])
@pytest.mark.parametrize("suffix", PACKED)
def test_a_run_over_it_is_refused(
    bench: Bench, suffix: str, declared: dict[str, str] | None
) -> None:
    whole = PACKED[suffix](ROWS)
    for left in (1, 9, len(whole) // 2, len(whole) - 9, len(whole) - 1):
        bench.write(f"a.jsonl.{suffix}", whole[:left])
        with pytest.raises(Invalid, match=rf"a\.jsonl\.{suffix} is damaged"):
            bench.run(bench.plan(STEPS, schema=declared), str(left))
    bench.write(f"a.jsonl.{suffix}", whole)
    assert bench.run(bench.plan(STEPS), "whole").rows_out == 3000


@pytest.mark.parametrize("suffix", PACKED)
def test_a_scan_of_it_is_refused(suffix: str) -> None:
    whole = PACKED[suffix](ROWS)
    source = MemorySource(whole[: len(whole) // 2])
    with pytest.raises(Invalid, match="is damaged"):
        list(blocks_of(f"a.jsonl.{suffix}", source))


def test_several_frames_are_one_file(bench: Bench) -> None:
    skippable = b"\x50\x2a\x4d\x18\x04\0\0\0note"
    halves = (ROWS[:5000], ROWS[5000:])
    bench.write("a.jsonl.zst", skippable.join(map(zstandard.compress, halves)))
    assert bench.run(bench.plan(STEPS)).rows_out == 3000
