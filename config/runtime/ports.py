"""Ports on loopback that nobody listens on."""

from __future__ import annotations

import contextlib
import random
import socket
from collections.abc import Collection

_LOW, _HIGH = 20_000, 29_999
"""Below the range that systems take for outgoing connections, so that a kept port stays free."""
_TRIES = 200


def is_free(host: str, port: int) -> bool:
    """Return whether a server could listen there now."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def first_free(host: str, port: int) -> int:
    """Return `port`, or the first free one above it; raise OSError after many taken ones."""
    for candidate in range(port, min(port + _TRIES, 65_536)):
        if is_free(host, candidate):
            return candidate
    raise OSError(f"Every port from {port} on is taken on {host}; set FAIRMESH_PORT.")


def free_ports(count: int, without: Collection[int] = ()) -> list[int]:
    """Return different free ports of 127.0.0.1; all are held until the last is known.

    `without` are those that are free now and promised to somebody.
    """
    chosen: list[int] = []
    with contextlib.ExitStack() as held:
        while len(chosen) < count:
            port = random.randint(_LOW, _HIGH)  # not a secret
            if port in without:
                continue
            listener = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                listener.bind(("127.0.0.1", port))
                chosen.append(port)
    return chosen
