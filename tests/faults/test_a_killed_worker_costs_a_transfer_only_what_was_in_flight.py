"""kill -9 in mid-transfer: another worker takes it up, and sends no part that had arrived."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from movement.services.carry import THREADS
from tests.faults.world import STORE, Json, World, key_of
from tests.live import wait_for

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]
MIB = 1024 * 1024
BYTES, PARTS = 192 * MIB, 12
SLOW = 40e6


def stored_parts(world: World, version: Json) -> set[int]:
    """Return the parts that lie at the target now, while the object is not there yet."""
    store, key = world.store(), key_of(version, "data.bin")
    assert store.stat(key) is None
    return {part.number for up in store.uploads(key) for part in store.parts(key, up.upload_id)}


@pytest.mark.parametrize(("how", "seed"), [("its process", 11), ("the whole worker", 12)])
def test_it_is_taken_up_again_and_ends_right(
    world: World, tmp_path: Path, how: str, seed: int
) -> None:
    data = random.Random(seed).randbytes(BYTES)
    (tmp_path / "data.bin").write_bytes(data)
    product = world.copied_to_wire("killed")
    world.relay.rate = SLOW
    version = world.operator.publish(product, [tmp_path / "data.bin"], store="store-eu")

    def under_way() -> Json | None:
        row = world.transfer(version)
        return row if 0.35 < row["bytes_done"] / BYTES < 0.9 else None

    before: Json = wait_for(under_way, "a transfer that is under way")
    assert (before["state"], before["attempt"], before["target"]) == ("running", 1, STORE)
    world.kill_worker(how)
    kept, mark = stored_parts(world, version), len(world.relay.requests)
    world.relay.rate = None
    after = world.ended(version)

    resent = world.relay.parts_put(mark)
    assert kept, "some part had arrived"
    assert not kept & set(resent), "what had arrived is not sent again"
    assert len(resent) == len(set(resent)), "no part is sent again twice"
    drained = set(range(1, PARTS + 1)) - kept - set(resent)
    assert len(drained) <= THREADS, "besides those, a thread's one part that was on the wire yet"
    assert after["attempt"] >= 2
    assert (after["bytes_done"], after["files_done"]) == (BYTES, 1)
    assert (after["reason_code"], after["reason"]) == ("", "")
    world.expect_whole(version, "data.bin", data)
