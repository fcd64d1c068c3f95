"""The queue is a doorbell: kill -9 of Redis costs no transfer, queued or begun."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.world import World
from tests.live import wait_for

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]
VERSIONS = 12
BYTES = 2_000_000


def test_transfers_that_were_queued_when_it_was_killed_are_all_done(
    world: World, tmp_path: Path
) -> None:
    product = world.copied_to_wire("queued")
    path = tmp_path / "data.bin"
    world.relay.rate = BYTES / 2  # so that most are queued still

    def publish(number: int) -> None:
        path.write_bytes(number.to_bytes() * BYTES)
        world.operator.publish(product, [path], store="store-eu")

    for number in range(VERSIONS // 2):
        publish(number)
    wait_for(lambda: len(list(world.operator.transfers(product=product))) > 2, "queued transfers")
    old = world.live.pid("redis")
    world.live.kill("redis")
    for number in range(VERSIONS // 2, VERSIONS):
        publish(number)  # while it is away, and while it comes back
    wait_for(lambda: world.live.pid("redis") != old, "a broker that runs again")
    world.relay.rate = None

    def states() -> list[str]:
        return [row["state"] for row in world.operator.transfers(product=product)]

    wait_for(lambda: states() == ["done"] * VERSIONS, f"{VERSIONS} done transfers", 90)
    held = list(world.operator.replicas(product=product, store="wire-us"))
    assert [row["state"] for row in held] == ["complete"] * VERSIONS
