"""A running platform with a third store behind a relay, used as its users do: over HTTP."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from fairmesh import Client
from fairmesh.config import Config, load_config
from fairmesh.login import exchange_password

from config.runtime.home import Home
from config.runtime.weed import BUCKET, known_servers
from movement.stores.s3 import S3Store
from tests.faults.relay import Relay
from tests.live import LivePlatform, wait_for

Json = dict[str, Any]
TEAM, DOMAIN = "faults", "/faults"
SITE, STORE = "wire", "wire-us"
PATIENCE = 60.0
"""Seconds until what was waited for counts as never having come."""
BEHIND = "store-us"
"""The server that the third store lies on, under a prefix of its own."""


@dataclass
class World:
    """The platform, its operator who owns the domain /faults too, and the wire to one store."""

    live: LivePlatform
    relay: Relay
    config: Config
    operator: Client
    _numbers: count[int] = field(default_factory=count)

    def client(self, token: str) -> Client:
        return Client(self.live.url, token, self.config)

    def product(self, kind: str, **fields: Any) -> str:
        """Create a product that nothing else uses, and return its name."""
        name = f"{DOMAIN}/~/{kind}-{next(self._numbers)}"
        self.operator.create_product(name, kind, **{"license": "CC0-1.0", **fields})
        return name

    def copied_to_wire(self, kind: str) -> str:
        """Create a product whose versions a policy wants at the site behind the wire, too."""
        name = self.product(kind)
        slug = name.rpartition("/")[2]
        text = (
            f"kind: protection\nid: {slug}\nowner: {TEAM}\nscope: {{prefix: {name}}}\n"
            f"spec: {{sites: [{SITE}]}}\n"
        )
        self.operator.add_policy("protection", text)
        return name

    def transfer(self, version: Json) -> Json:
        """Return the one transfer of a version, once there is one."""

        def found() -> list[Json]:
            return list(self.operator.transfers(version=version["name"]))

        rows: list[Json] = wait_for(found, f"a transfer of {version['name']}")
        assert len(rows) == 1, rows
        return rows[0]

    def ended(self, version: Json, seconds: float = PATIENCE) -> Json:
        """Return the transfer of a version once it has ended well."""
        return self._comes_to(version, "done", seconds)

    def waiting(self, version: Json, seconds: float = PATIENCE) -> Json:
        """Return the transfer of a version once it waits."""
        return self._comes_to(version, "waiting", seconds)

    def _comes_to(self, version: Json, state: str, seconds: float) -> Json:
        """Return the transfer once it is in that state; fail with what it does instead."""
        seen: Json = {}

        def has_come() -> bool:
            seen.update(self.transfer(version))
            assert seen["state"] not in {"failed", "refused", "cancelled"}, seen
            return bool(seen["state"] == state)

        what = f"a transfer of {version['name']} that is {state}"
        self.until(has_come, what, lambda: seen, seconds)
        return seen

    def until(
        self,
        check: Callable[[], Any],
        what: str,
        instead: Callable[[], Any],
        seconds: float = PATIENCE,
    ) -> Any:
        """Return what `check` returns once it is true; fail with what there is instead."""
        try:
            return wait_for(check, what, seconds)
        except pytest.fail.Exception as error:
            told = [line for line in self.live.log("worker").splitlines() if ".sweep_" not in line]
            behind = self.live.log(BEHIND)[-3000:]
            pytest.fail(
                f"{error} There is {instead()}; the worker says:\n"
                + "\n".join(told)[-8000:]
                + f"\n{BEHIND} says:\n{behind}"
            )

    def kill_worker(self, how: str) -> None:
        """Kill -9 `its process`, the one that uses the wire, or `the whole worker`; see it dead."""
        leader, *pool = self.live.worker_pids()
        if how == "its process":
            killed = wait_for(lambda: self.relay.user_among(pool), "a process that uses the wire")
            os.kill(killed, signal.SIGKILL)
        else:
            killed = leader
            self.live.kill("worker")
        wait_for(lambda: not Path(f"/proc/{killed}").exists(), f"the end of {how}")

    def store(self, prefix: str = STORE) -> S3Store:
        """Return the server behind the wire, without the wire."""
        (server,) = (s for s in known_servers(Home(self.live.home)) if s.name == BEHIND)
        return S3Store(server.endpoint, BUCKET, prefix, server.access_key, server.secret_key)

    def expect_whole(self, version: Json, path: str, data: bytes) -> None:
        """Assert that the copy behind the wire is whole, said once, and leaves nothing undone."""
        rows = list(self.operator.replicas(version=version["name"], store=STORE))
        assert [row["state"] for row in rows] == ["complete"]
        store = self.store()
        key = key_of(version, path)
        digest = hashlib.sha256()
        buffer = bytearray(1024 * 1024)
        with store.open(key) as reader:
            while size := reader.readinto(buffer):
                digest.update(memoryview(buffer)[:size])
        assert digest.hexdigest() == hashlib.sha256(data).hexdigest()
        assert list(store.uploads()) == []


def key_of(version: Json, path: str) -> str:
    """Return where a file lies in a store, as the design page says."""
    return f"{version['name'].strip('/')}/{path}"


def make_world(live: LivePlatform, relay: Relay, folder: Path) -> World:
    """Sign the operator in, and give the mesh a team, a domain and the store behind the wire."""
    token = exchange_password(live.url, "admin", live.admin_password, days=1.0)
    config = load_config({"FAIRMESH_CONFIG": str(folder / "config.json")})
    world = World(live, relay, config, Client(live.url, token, config))
    api = world.operator.api
    members = [{"username": "admin", "role": "owner"}]
    api.post("teams", {"slug": TEAM, "title": "Faults", "members": members})
    world.operator.create_domain(DOMAIN, "Faults", TEAM)
    api.post("sites", {"name": SITE, "title": "Wire", "kind": "edge", "jurisdictions": ["US"]})
    (server,) = (s for s in known_servers(Home(live.home)) if s.name == BEHIND)
    place = {"endpoint": relay.endpoint, "bucket": BUCKET, "prefix": STORE}
    keys = {"access_key": server.access_key, "secret_key": server.secret_key}
    api.post("stores", {"name": STORE, "site": SITE, "kind": "s3", **place, **keys})
    return world
