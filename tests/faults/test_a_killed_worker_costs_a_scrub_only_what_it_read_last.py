"""kill -9 in mid-scrub: it goes on behind the last file it was told done, and mends what is bad."""

from __future__ import annotations

import random
from pathlib import Path
from urllib.parse import unquote

import pytest

from movement.stores.protocol import Body, ObjectFacts
from tests.faults.world import STORE, Json, World, key_of
from tests.live import wait_for

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]
MIB = 1024 * 1024
FILES, BYTES, BAD = 24, 2 * MIB, 20
SLOW = 6e6
"""Bytes a second: eight seconds in all, so that a second passes between two files or three."""


def name_of(number: int) -> str:
    return f"part-{number:02}.bin"


def published_twice(world: World, folder: Path) -> Json:
    """Publish a version that lies behind the wire as well."""
    draw = random.Random(81)
    for number in range(FILES):
        (folder / name_of(number)).write_bytes(draw.randbytes(BYTES))
    files = [folder / name_of(number) for number in range(FILES)]
    version = world.operator.publish(world.copied_to_wire("rotten"), files, store="store-eu")
    world.ended(version)
    return version


def spoil(world: World, version: Json, number: int) -> None:
    """Flip a bit of a file behind the wire, under what is recorded of the right one."""
    key = key_of(version, name_of(number))
    data = bytearray(world.store().read(key))
    info = world.store().stat(key)
    assert info is not None
    assert info.sha256 is not None
    data[BYTES // 2] ^= 1
    world.store().put(key, Body.of(bytes(data)), ObjectFacts(info.sha256, "text/plain"))


def read_since(world: World, mark: int, until: int | None = None) -> list[int]:
    """Return which files were asked for behind the wire, by their number, in order."""
    targets = [unquote(target) for how, target in world.relay.requests[mark:until] if how == "GET"]
    names = {name_of(number): number for number in range(FILES)}
    return [names[name] for target in targets if (name := target.rpartition("/")[2]) in names]


def test_it_goes_on_where_it_was_and_mends_what_is_rotten(world: World, tmp_path: Path) -> None:
    version = published_twice(world, tmp_path)
    spoil(world, version, BAD)
    (replica,) = world.operator.replicas(version=version["name"], store=STORE)
    api, begun = world.operator.api, len(world.relay.requests)
    world.relay.rate = SLOW
    scrub = api.post(f"replicas/{replica['id']}/scrub", {"deep": True})

    def now() -> Json:
        row: Json = api.get(f"scrubs/{scrub['id']}")
        return row

    wait_for(lambda: now()["files"] >= FILES // 4, "a scrub that is under way")
    world.kill_worker("the whole worker")
    mark, left = len(world.relay.requests), now()
    assert (left["state"], left["broken"]) == ("running", 0)
    assert left["files"] < BAD
    world.relay.rate = None
    ended = wait_for(lambda: (row := now())["state"] != "running" and row, "the end of the scrub")

    first, second = read_since(world, begun, mark), read_since(world, mark)
    assert ended["state"] == "broken"
    assert (ended["files"], ended["bytes"]) == (FILES, FILES * BYTES)
    assert [(f["path"], f["kind"]) for f in ended["findings"]] == [(name_of(BAD), "flipped")]
    assert min(second) >= left["files"], "what was told done is not read again"
    assert set(first) | set(second) == set(range(FILES)), "every file is read"
    assert [n for n in set(second) if second.count(n) > 1] == [BAD], "a bad one is looked at twice"

    wait_for(lambda: now()["repaired"] == 1 and now()["replica_state"] == "complete", "a repair")
    world.expect_whole(version, name_of(BAD), (tmp_path / name_of(BAD)).read_bytes())
    sent = {t.rpartition("/")[2] for how, t in world.relay.requests[mark:] if how == "PUT"}
    assert sent & {name_of(number) for number in range(FILES)} == {name_of(BAD)}
