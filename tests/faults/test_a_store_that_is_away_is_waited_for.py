"""A store goes away in mid-transfer: the transfer says so, waits, and ends once it is back."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.faults.world import BEHIND, STORE, Json, World
from tests.live import wait_for

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]
BYTES = 96 * 1024 * 1024
SLOW = 8e6
"""Bytes a second: twelve seconds in all, so that it is under way still when the store goes."""


def begin(world: World, folder: Path, seed: int) -> tuple[Json, bytes]:
    """Publish a version and return it once its copy over the slow wire is under way."""
    data = random.Random(seed).randbytes(BYTES)
    (folder / "data.bin").write_bytes(data)
    product = world.copied_to_wire("away")
    world.relay.rate = SLOW
    version = world.operator.publish(product, [folder / "data.bin"], store="store-eu")
    wait_for(lambda: world.transfer(version)["bytes_done"] > BYTES // 5, "a transfer under way")
    return version, data


def test_a_transfer_waits_while_the_store_refuses_connections(world: World, tmp_path: Path) -> None:
    version, data = begin(world, tmp_path, 31)
    world.relay.down()
    try:
        row = world.waiting(version)
        assert row["reason_code"] == "store_unavailable"
        assert STORE in row["reason"]
        assert datetime.fromisoformat(row["next_attempt_at"]) > datetime.now(UTC)
        status, body = wait_for(
            lambda: (answer := world.live.get("/readyz"))[0] == 503 and answer, "unreadiness"
        )
        assert status == 503
        unready = [check["name"] for check in json.loads(body)["checks"] if not check["ok"]]
        assert unready == [f"store {STORE}"]
        (store,) = (s for s in world.operator.api.pages("stores") if s["name"] == STORE)
        assert (store["reachable"], bool(store["problem"])) == (False, True)
    finally:
        world.relay.rate = None
        world.relay.up()
    ended = world.ended(version)
    assert (ended["attempt"] >= 2, ended["reason_code"]) == (True, "")
    world.expect_whole(version, "data.bin", data)
    wait_for(lambda: world.live.get("/readyz")[0] == 200, "a ready platform again")
    (store,) = (s for s in world.operator.api.pages("stores") if s["name"] == STORE)
    assert (store["reachable"], store["problem"]) == (True, "")


def test_a_store_killed_in_mid_transfer_ends_with_a_whole_copy(
    world: World, tmp_path: Path
) -> None:
    version, data = begin(world, tmp_path, 32)
    old = world.live.pid(BEHIND)
    world.live.kill(BEHIND)
    world.relay.rate = None
    wait_for(lambda: world.live.pid(BEHIND) != old, "a store that runs again")
    world.ended(version)
    world.expect_whole(version, "data.bin", data)
