"""kill -9 in the middle of an erasure: the next worker goes on, and the store ends empty."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from fairmesh.login import exchange_password
from fairmesh.receipt import verify_receipt
from fairmesh.seal import Anchor

from tests.faults.world import STORE, TEAM, Json, World

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]
FILES = 80
SLOW = 6e3
"""Bytes a second: a removal is some hundred bytes, so that the whole takes ten seconds and more."""


@pytest.mark.parametrize("how", ["its process", "the whole worker"])
def test_an_erasure_is_taken_up_again_and_proved(world: World, tmp_path: Path, how: str) -> None:
    for number in range(FILES):
        (tmp_path / f"part-{number:02}.csv").write_text("x\n1\n")
    product = world.product("erased")
    version = world.operator.publish(product, sorted(tmp_path.glob("*.csv")), store=STORE)
    order = approved(world, version["name"])
    prefix = version["name"].strip("/") + "/"
    store = world.store()

    def now() -> Json:
        return dict(world.operator.api.get(f"erasures/{order['id']}"))

    def under_way() -> bool:
        return FILES // 4 < len(list(store.list(prefix))) < FILES - 5

    world.until(under_way, "an erasure under way", now)
    world.kill_worker(how)
    left = len(list(store.list(prefix)))
    assert left, "something was left to do"
    world.relay.rate = None

    def ended() -> Json | None:
        row = now()
        return row if row["state"] == "done" else None

    done: Json = world.until(ended, "the end of the erasure", now)
    assert list(store.list(prefix)) == []
    assert {row["state"] for row in done["receipts"]} == {"erased"}
    trust = world.live.get("/.well-known/fairmesh/trust.json")[1]
    anchor = Anchor.parse(trust if isinstance(trust, str) else trust.decode())
    signed = dict(world.operator.api.get(f"erasures/{order['id']}/receipt"))
    assert verify_receipt(signed, anchor).complete
    gone = list(world.operator.replicas(version=version["name"]))
    assert {row["state"] for row in gone} == {"deleted"}


def approved(world: World, name: str) -> Json:
    """Propose an erasure, slow the wire down, and have a second owner approve it."""
    api = world.operator.api
    body = {"name": name, "reason": "A test.", "basis": "none", "cascade": "none"}
    order = dict(api.post("erasures", body))
    password, second = secrets.token_urlsafe(24), f"second-{secrets.token_hex(4)}"
    api.post("users", {"username": second, "password": password})
    api.post(f"teams/{TEAM}/members", {"username": second, "role": "owner"})
    token = exchange_password(world.live.url, second, password, days=1.0)
    with world.client(token) as client:
        world.relay.rate = SLOW
        client.api.post(f"erasures/{order['id']}/approve", {})
    return order
