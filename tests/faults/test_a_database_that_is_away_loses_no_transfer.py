"""The database is killed, or locked, in mid-transfer: nothing is told done that is not, all ends.

PostgreSQL is a server of this test's own under a platform of its own; the lock is one on the SQLite
file of the platform of all faults.
"""

from __future__ import annotations

import contextlib
import json
import random
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.relay import Relay
from tests.faults.world import BEHIND, Json, World, key_of, make_world
from tests.live import platform, wait_for
from tests.postgres import OwnServer, can_be_made, own_server

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]
MIB = 1024 * 1024
SLOW = 8e6
BUSY_SECONDS = 30
"""How long a writer waits for its turn on SQLite, by config/database.py, before it gives up."""


def begin(world: World, folder: Path, size: int, seed: int) -> tuple[Json, bytes]:
    """Publish a version and return it once its copy over the slow wire is under way."""
    data = random.Random(seed).randbytes(size)
    (folder / "data.bin").write_bytes(data)
    world.relay.rate = SLOW
    product = world.copied_to_wire("database")
    version = world.operator.publish(product, [folder / "data.bin"], store="store-eu")
    wait_for(lambda: world.transfer(version)["bytes_done"] > size // 5, "a transfer under way")
    return version, data


def expect_no_more_than_there_is(world: World, versions: list[Json]) -> None:
    """Assert that what is told done lies there."""
    for version in versions:
        done = world.transfer(version)["state"] == "done"
        assert not done or world.store().stat(key_of(version, "data.bin")) is not None


@pytest.fixture
def postgres() -> Iterator[OwnServer]:
    if not can_be_made():
        pytest.skip("there is no wheel of PostgreSQL for this Python")
    with own_server() as server:
        yield server


@pytest.fixture
def on_postgres(postgres: OwnServer, tmp_path: Path) -> Iterator[World]:
    with platform(DATABASE_URL=postgres.url, FAIRMESH_LEASE_SECONDS="3") as live:
        relay = Relay(lambda: str(live.told["stores"][BEHIND]))
        with contextlib.closing(relay):
            world = make_world(live, relay, tmp_path)
            with world.operator:
                yield world


def test_postgresql_that_is_killed_costs_no_transfer(
    on_postgres: World, postgres: OwnServer, tmp_path: Path
) -> None:
    world, live = on_postgres, on_postgres.live
    processes = dict(live.told["processes"])
    version, data = begin(world, tmp_path, 64 * MIB, 71)
    world.relay.rate = SLOW / 4  # so that it is still under way when the others are published
    (tmp_path / "data.bin").write_bytes(b"x" * MIB)
    waiting = [
        world.operator.publish(version["product"], [tmp_path / "data.bin"], store="store-eu")
        for _ in range(3)
    ]
    all_of_them = [version, *waiting]
    for each in all_of_them:
        world.transfer(each)

    postgres.kill()
    status, told = live.get("/readyz")
    assert status == 503
    assert [c["name"] for c in json.loads(told)["checks"] if not c["ok"]] == ["database"]
    status, told = live.get("/api/v1/transfers")
    assert (status, json.loads(told)["code"]) == (503, "too_busy")
    pool = world.live.worker_pids()
    wait_for(lambda: world.relay.user_among(pool) is None, "workers that leave the wire alone")
    assert world.store().stat(key_of(version, "data.bin")) is None

    postgres.start_again()
    expect_no_more_than_there_is(world, all_of_them)
    world.relay.rate = None
    ended = [world.ended(each) for each in all_of_them]
    assert ended[0]["attempt"] >= 2
    assert [(row["reason_code"], row["reason"]) for row in ended] == [("", "")] * 4
    world.expect_whole(version, "data.bin", data)
    for each in waiting:
        world.expect_whole(each, "data.bin", b"x" * MIB)
    assert live.told["processes"] == processes, "no process of the platform ended"


def test_sqlite_that_is_locked_for_longer_than_writers_wait_costs_no_transfer(
    world: World, tmp_path: Path
) -> None:
    files = list(world.live.home.glob("*.sqlite3"))
    if not files:
        pytest.skip("this run is not on SQLite")
    version, data = begin(world, tmp_path, 96 * MIB, 72)
    with contextlib.closing(sqlite3.connect(files[0], timeout=60)) as other:
        other.isolation_level = None
        other.execute("BEGIN EXCLUSIVE")
        world.relay.rate = None
        # all bytes arrive meanwhile, and every writer gives up once: nobody can write it down
        time.sleep(BUSY_SECONDS + 2)
        told = "SELECT state, attempt FROM movement_transfer WHERE version_id = ?"
        (row,) = other.execute(told, [version["id"].replace("-", "")])
        assert row == ("running", 1)
        other.execute("ROLLBACK")
    ended = world.ended(version)
    assert (ended["reason_code"], ended["files_done"]) == ("", 1)
    world.expect_whole(version, "data.bin", data)
