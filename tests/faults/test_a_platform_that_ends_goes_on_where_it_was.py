"""SIGTERM of the whole platform in mid-transfer: started again, it goes on and ends right."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.faults.world import World, key_of
from tests.live import processes_of, wait_for

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]
BYTES, PARTS = 128 * 1024 * 1024, 8
SEED = 61


def test_a_transfer_goes_on_after_the_platform_was_ended(world: World, tmp_path: Path) -> None:
    data = random.Random(SEED).randbytes(BYTES)
    (tmp_path / "data.bin").write_bytes(data)
    product = world.copied_to_wire("ended")
    world.relay.rate = 10e6  # more is left than the worker's grace would do
    version = world.operator.publish(product, [tmp_path / "data.bin"], store="store-eu")
    wait_for(lambda: world.transfer(version)["bytes_done"] > 0.4 * BYTES, "a transfer under way")

    assert world.live.stop() == 0
    assert not processes_of(world.live.home)
    mark, world.relay.rate = len(world.relay.requests), None
    world.live.start_again()
    store, key = world.store(), key_of(version, "data.bin")
    assert store.stat(key) is None or world.transfer(version)["state"] == "done"
    ended = world.ended(version)

    assert ended["attempt"] >= 2
    assert 0 < len(world.relay.parts_put(mark)) < PARTS, "parts that had arrived are kept"
    world.expect_whole(version, "data.bin", data)
