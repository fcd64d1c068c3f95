"""The ports of all servers are chosen before any of them listens."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.runtime import ports
from config.runtime.home import Home
from config.runtime.weed import Server, kept_servers

NAMES = ["store-eu", "store-us"]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> range:
    """Have hardly more ports than are needed, so that chosen by chance some would meet."""
    blocks = [range(low, low + 20) for low in range(20_000, 29_900, 20)]
    found = next(
        block for block in blocks if all(ports.is_free("127.0.0.1", port) for port in block)
    )
    monkeypatch.setattr(ports, "_LOW", found[0])
    monkeypatch.setattr(ports, "_HIGH", found[-1])
    return found


def all_ports(servers: list[Server]) -> list[int]:
    return [port for server in servers for port in server.ports]


def test_neither_to_two_stores_nor_to_a_store_and_the_web_server(
    few: range, tmp_path: Path
) -> None:
    home = Home(tmp_path)
    chosen = all_ports(kept_servers(home, NAMES, web_port=few[0]))
    assert len({few[0], *chosen}) == 17
    assert all_ports(kept_servers(home, NAMES, web_port=few[0])) == chosen, "they are kept"


def test_a_store_gives_way_to_the_web_server(few: range, tmp_path: Path) -> None:
    home = Home(tmp_path)
    first = kept_servers(home, NAMES, web_port=80)[0]
    again, other = kept_servers(home, NAMES, web_port=first.ports[3])
    assert first.ports[3] not in again.ports
    assert again.access_key == first.access_key
    assert {*again.ports}.isdisjoint(other.ports)
