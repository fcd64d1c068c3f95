"""An edge site falls silent in mid-copy for three days: it is told as away, costs no attempt, and
when it is back it gets what it lacks and nothing twice, the urgent first.

The three days are passed by moving the site's last word back; all else takes the time it takes.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from config.runtime.home import Home
from config.runtime.weed import BUCKET, known_servers
from movement.services.carry import THREADS
from tests.faults.relay import Relay
from tests.faults.world import BEHIND, TEAM, Json, World
from tests.live import wait_for

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]
SITE, STORE = "vessel-7", "vessel-us"
MIB = 1024 * 1024
BIG_FILES = 24
SLOW, ALMOST_STILL = 8e6, 4e5
"""Bytes a second. While a command of its own makes the site silent, which takes what time the
machine takes, the copy must not come to its end."""
BACK = "2027-03-01T06:00:00Z"
FALL_SILENT = """
from datetime import timedelta
from movement.models import Site
from movement.services import watch_sites
site = Site.objects.get(name={site!r})
site.last_seen -= timedelta(days=3)
site.state_since -= timedelta(days=4)
site.save(update_fields=["last_seen", "state_since"])
print(watch_sites())
"""


@dataclass
class Vessel:
    """A site with one store behind a wire of its own, and its own voice."""

    world: World
    relay: Relay
    token: str

    def heartbeat(self) -> Json:
        with self.world.client(self.token) as itself:
            told: Json = itself.api.post(f"sites/{SITE}/heartbeat")
        return told

    def site(self) -> Json:
        told: Json = self.world.operator.api.get(f"sites/{SITE}")
        return told

    def put_since(self, mark: int) -> list[str]:
        """Return the keys that were written over the wire, in order, the first part of each."""
        paths = [urlsplit(target) for how, target in self.relay.requests[mark:] if how == "PUT"]
        keys = [unquote(each.path).removeprefix(f"/{BUCKET}/{STORE}") for each in paths]
        return list(dict.fromkeys(keys))


@pytest.fixture
def vessel(world: World) -> Iterator[Vessel]:
    relay = Relay(lambda: str(world.live.told["stores"][BEHIND]))
    with contextlib.closing(relay):
        api = world.operator.api
        (server,) = (s for s in known_servers(Home(world.live.home)) if s.name == BEHIND)
        api.post(
            "sites", {"name": SITE, "title": "Vessel", "kind": "edge", "jurisdictions": ["US"]}
        )
        place = {"endpoint": relay.endpoint, "bucket": BUCKET, "prefix": STORE}
        keys = {"access_key": server.access_key, "secret_key": server.secret_key}
        api.post("stores", {"name": STORE, "site": SITE, "kind": "s3", **place, **keys})
        api.patch(f"stores/{STORE}", {"slots": 1})
        voice = {"username": SITE, "kind": "site", "team": TEAM, "site": SITE}
        api.post("users", voice)
        token = api.post("tokens", {"username": SITE, "title": "heartbeat", "days": 1})["token"]
        yield Vessel(world, relay, token)
        api.patch(f"sites/{SITE}", {"state": "offline", "reason": "The test is over."})


def wanted(world: World, kind: str, priority: int) -> str:
    """Create a product that policies want at the site, with a priority."""
    name = world.product(kind)
    slug = name.rpartition("/")[2]
    text = (
        f"kind: protection\nid: {slug}\nowner: {TEAM}\nscope: {{prefix: {name}}}\n"
        f"spec: {{sites: [{SITE}], priority: {priority}}}\n"
    )
    world.operator.add_policy("protection", text)
    return name


def publish(world: World, name: str, folder: Path, files: int, size: int) -> Json:
    """Publish a version of files that nothing else holds."""
    draw = random.Random(f"{name} {files}")
    paths = [folder / f"part-{number:02}.bin" for number in range(files)]
    for path in paths:
        path.write_bytes(draw.randbytes(size))
    return world.operator.publish(name, paths, store="store-eu")


def lies(world: World, version: Json) -> Json | None:
    """Return the transfer of a version to the site once it is done."""
    rows = list(world.operator.transfers(version=version["name"]))
    return rows[0] if [row["state"] for row in rows] == ["done"] else None


def expect_away(vessel: Vessel, begun: Json, mark: int) -> int:
    """Have the site fall silent, and see that it is told so; return what was on the wire then."""
    world = vessel.world
    wait_for(lambda: len(vessel.put_since(mark)) > BIG_FILES // 3, "a copy that is under way")
    vessel.relay.rate = ALMOST_STILL
    found = world.live.manage("shell", "-c", FALL_SILENT.format(site=SITE))
    assert found.returncode == 0, found.stderr
    vessel.relay.rate = SLOW
    waiting = world.waiting(begun)
    vessel.relay.down()
    assert (waiting["reason_code"], waiting["attempt"]) == ("site_offline", 0)
    told = vessel.site()
    assert (told["state"], told["contact"]["open"]) == ("offline", False)
    assert told["state_reason"].startswith("It has been silent since")
    expected = {"state": "offline", "reason": "It crosses the Atlantic.", "expected_back": BACK}
    told = world.operator.api.patch(f"sites/{SITE}", expected)
    assert "expected back at 2027-03-01 06:00 UTC" in told["contact"]["reason"]
    assert world.live.get("/readyz")[0] == 200, "nothing is wrong with the platform"
    return int(waiting["files_done"])


def expect_told(world: World, version: Json) -> None:
    """Assert that the plan of a version says why it does not lie at the site."""
    unmet = world.operator.api.get("plans", name=version["product"])["unmet"]
    told = f"No permitted store gives a copy at {SITE}, which is away and gets it when it is back."
    assert {"version": version["name"], "reason": told} in unmet


def test_it_gets_what_it_lacks_and_nothing_twice(vessel: Vessel, tmp_path: Path) -> None:
    world, relay = vessel.world, vessel.relay
    low, middle, high = (wanted(world, kind, n) for kind, n in (("low", 2), ("mid", 5), ("top", 8)))
    first = publish(world, high, tmp_path, 3, MIB)
    wait_for(lambda: lies(world, first), "the first copy")
    assert vessel.heartbeat()["state"] == "online"

    mark, written = len(relay.requests), relay.bytes_written
    relay.rate = SLOW
    cut = publish(world, middle, tmp_path, BIG_FILES, 2 * MIB)
    kept = expect_away(vessel, cut, mark)
    urgent_last = [publish(world, name, tmp_path, 2, MIB) for name in (low, high)]
    for each in urgent_last:
        expect_told(world, each)
    assert list(world.operator.transfers(version=urgent_last[1]["name"])) == []
    assert world.transfer(cut)["attempt"] == 0

    back, relay.rate = len(relay.requests), None
    relay.up()
    assert vessel.heartbeat()["state"] == "online"
    in_order = [urgent_last[1], cut, urgent_last[0]]
    ended = [wait_for(partial(lies, world, each), f"{each['name']} there") for each in in_order]
    started = [row["started_at"] for row in ended]
    assert started[0] == min(started), "the urgent one first"
    assert [row["attempt"] for row in ended] == [1, 1, 1], "what was away was no attempt"

    put = vessel.put_since(back)
    for each in in_order:
        keys = [key for key in put if key.startswith(f"{each['name']}/")]
        assert keys[0].startswith(f"{each['name']}/.fairmesh/manifest/"), "the manifest first"
        assert keys[-1] == f"{each['name']}/.fairmesh/seal.json"
    again = [key for key in put if "/part-" in key and key.startswith(f"{cut['name']}/")]
    assert len(again) <= BIG_FILES - kept, "what stands there is not sent"
    assert not [key for key in put if key.startswith(f"{first['name']}/")]
    sizes = BIG_FILES * 2 * MIB + 2 * 2 * MIB
    in_flight = THREADS * 2 * MIB
    assert relay.bytes_written - written < sizes + in_flight + MIB
