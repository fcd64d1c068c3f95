"""A pace holds all threads of a link together to one rate, which may change while they wait."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.digests import hash_stream
from core.files import FileEntry
from movement.engine.copy import CopyItem, Watch, copy_files
from movement.engine.pace import Pace
from movement.stores.directory import DirectoryStore

TYPE = "application/octet-stream"


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.on_sleep: Callable[[], None] = lambda: None
        self._lock = threading.Lock()

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        with self._lock:
            self.now += seconds
        self.on_sleep()


def paced(rate: float | None) -> tuple[Pace, Clock]:
    clock = Clock()
    return Pace(rate, clock.read, clock.sleep), clock


@settings(deadline=None)  # a busy machine is no failure
@given(
    counts=st.lists(st.integers(0, 5000), min_size=1, max_size=20), rate=st.integers(1000, 100_000)
)
def test_no_more_passes_than_the_rate_allows(counts: list[int], rate: int) -> None:
    pace, clock = paced(rate)
    for count in counts:
        pace.take(count)
    assert clock.now == pytest.approx(sum(counts) / rate, abs=1e-3)


def test_idle_time_is_made_up_for_a_quarter_of_a_second_only() -> None:
    pace, clock = paced(1000)
    clock.now += 60
    pace.take(250)
    assert clock.now == 60
    pace.take(1000)
    assert clock.now == pytest.approx(61)


def test_without_a_rate_nobody_waits_and_nothing_is_owed_later() -> None:
    pace, clock = paced(None)
    pace.take(10**12)
    pace.change(1000)
    pace.take(500)
    assert clock.now == pytest.approx(0.5)


def test_a_thread_that_waits_goes_on_at_a_new_rate() -> None:
    pace, clock = paced(0)
    clock.on_sleep = lambda: pace.change(1_000_000) if clock.now >= 5 else None
    pace.take(1_000_000)
    assert clock.now == pytest.approx(6)


def test_a_wait_ends_when_the_copy_is_stopped_and_gives_its_turn_back() -> None:
    pace, clock = paced(1000)

    def stop() -> None:
        if clock.now >= 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        pace.take(1_000_000, stop)
    assert clock.now == 2
    pace.take(250)
    assert clock.now == 2, "the turn of the one that stopped is free"


def test_a_slow_link_gets_small_pieces() -> None:
    pace, _ = paced(160_000)
    assert pace.piece_bytes(1024 * 1024) == 10_000
    pace.change(1)
    assert pace.piece_bytes(1024 * 1024) == 4096
    pace.change(None)
    assert pace.piece_bytes(1024 * 1024) == 1024 * 1024


@pytest.mark.parametrize("size", [1000, 3 * 1024 * 1024])
def test_a_copy_keeps_to_its_pace_over_all_its_threads(tmp_path: Path, size: int) -> None:
    source, target = DirectoryStore(tmp_path / "a"), DirectoryStore(tmp_path / "b")
    items = []
    for number in range(6):
        data = bytes([number]) * size
        _, sha256, chunks = hash_stream([data])
        source.ensure_ready()
        source.write(f"file {number}", data, sha256=sha256, media_type=TYPE)
        entry = FileEntry(f"file {number}", size, sha256, TYPE, chunks=chunks)
        items.append(CopyItem(entry.path, entry.path, entry))
    target.ensure_ready()
    pace, clock = paced(size)
    summary = copy_files(source, target, items, threads=3, watch=Watch(pace=pace))
    assert summary.copied == 6
    assert clock.now >= 6 - 1e-3, "six files at one file a second take six seconds of its clock"
    clock.now += 60
    stopped = copy_files(
        source,
        target,
        [CopyItem(i.source_key, f"again/{i.target_key}", i.entry) for i in items],
        watch=Watch(pace=Pace(0, clock.read, clock.sleep), should_stop=lambda: clock.now >= 70),
    )
    assert stopped.copied == 0, "at a rate of nothing, nothing goes"
    assert stopped.stopped
