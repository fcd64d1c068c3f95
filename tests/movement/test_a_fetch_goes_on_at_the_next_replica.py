"""A store that is cut in mid-file: the next replica sends the rest, and every byte comes once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fairmesh import Client
from fairmesh.config import Config

from movement.models import TransferState
from movement.services import request_transfer, run_transfer
from tests.builders import World
from tests.faults.relay import Relay
from tests.movement.conftest import WIKI
from tests.servers import S3Server

MIB = 1024 * 1024
DATA = random.Random(9).randbytes(16 * MIB)

pytestmark = pytest.mark.servers


@pytest.fixture
def wires(live_server: Any, world: World, s3: S3Server) -> Iterator[tuple[Relay, Relay]]:
    """WIKI at store-eu and store-us, each behind a wire of its own."""
    near, far = Relay(lambda: s3.endpoint), Relay(lambda: s3.endpoint)
    world.add_site("core-eu", "core", ["DE", "EU"])
    world.add_site("core-us", "core", ["US"])
    world.add_s3("store-eu", "core-eu", replace(s3, endpoint=near.endpoint))
    world.add_s3("store-us", "core-us", replace(s3, endpoint=far.endpoint))
    version = world.publish(WIKI, {"data.bin": DATA}, store="store-eu")
    transfer = request_transfer(world.operator.principal, version=version.name, target="store-us")
    assert run_transfer(transfer.pk) == TransferState.DONE
    yield near, far
    near.close()
    far.close()


def test_the_rest_of_a_file_comes_from_the_next_replica(
    wires: tuple[Relay, Relay], world: World, live_server: Any, tmp_path: Path
) -> None:
    near, far = wires
    near_before, far_before = near.bytes_read, far.bytes_read
    came = 0

    def cut_after_a_while(count: int) -> None:
        nonlocal came
        came += count
        if came > 2 * MIB:
            near.down()

    config = Config(tmp_path / "own" / "config.json")
    with Client(live_server.url, world.ben.token, config) as client:
        out = tmp_path / "out"
        fetched = client.get(WIKI, out, site="core-eu", progress=cut_after_a_while)
    assert fetched.report.ok
    assert (out / "data.bin").read_bytes() == DATA
    assert fetched.bytes_moved == len(DATA)
    assert near.bytes_read - near_before > 2 * MIB
    assert 0 < far.bytes_read - far_before < 14 * MIB
