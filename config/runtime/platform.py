"""The whole platform, brought up in order and kept up until somebody asks for its end."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime

from django.core.management import call_command
from django.db import connections

from config.env import Env, read_env
from config.runtime import children
from config.runtime.bootstrap import (
    EMBEDDED,
    OPERATOR,
    ensure_operator,
    ensure_policy_set,
    ensure_stores,
)
from config.runtime.home import AlreadyRunning, Home, keep
from config.runtime.ports import first_free
from config.runtime.redis import redis
from config.runtime.supervisor import StopAsked, Supervisor
from config.runtime.weed import Server, kept_servers, remove_sockets, weed

_ENDING_SECONDS = 8.0
Say = Callable[[str], None]


class Platform:
    """`run` returns when the platform has ended and nothing of it is left."""

    def __init__(self, env: Env, say: Say) -> None:
        self._asked = env
        self._env = env
        self._say = say
        self._home = Home(env.home)
        self._supervisor = Supervisor(self._home.logs, say, self._write_up)
        self._servers: list[Server] = []
        self._started_at = datetime.now(UTC)

    def ask_stop(self) -> None:
        self._supervisor.ask_stop()

    def run(self) -> None:
        """Bring everything up, say where it is, and keep it up; raise AlreadyRunning."""
        self._home.make()
        lock = _lock_soon(self._home)
        try:
            self._supervisor.guard(lock, [self._home.up])
            with contextlib.suppress(StopAsked):
                self._bring_up()
                self._supervisor.watch()
            self._say("stopping")
        finally:
            self._supervisor.stop()
            for server in self._servers:
                remove_sockets(server)
            self._home.up.unlink(missing_ok=True)
            os.close(lock)

    def _bring_up(self) -> None:
        """Servers first, since they take longest; the database meanwhile; the platform last."""
        port = first_free(self._asked.host, self._asked.port)
        self._env = read_env({**os.environ, "FAIRMESH_PORT": str(port)})
        if self._env.embedded_redis:
            self._supervisor.start(redis(self._home))
        if self._env.embedded_stores:
            names = [embedded.store for embedded in EMBEDDED]
            self._servers = kept_servers(self._home, names, port)
            self._supervisor.start(*(weed(self._home, server) for server in self._servers))
        self._prepare_database()
        self._supervisor.wait()
        ensure_stores(self._servers)
        connections.close_all()
        self._supervisor.start(
            children.web(self._home, self._env),
            children.worker(self._home, self._env),
            children.beat(self._home, self._env),
        )
        self._supervisor.wait()
        self._write_up()
        self._announce()

    def _prepare_database(self) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        ensure_operator(self._home)
        ensure_policy_set()
        (self._home.root / "static").mkdir(exist_ok=True)
        call_command("collectstatic", interactive=False, verbosity=0)

    def _write_up(self) -> None:
        told = {
            "pid": os.getpid(),
            "url": self._env.public_url,
            "home": str(self._home.root),
            "started_at": self._started_at.isoformat(timespec="seconds"),
            "processes": self._supervisor.pids(),
            "stores": {server.name: server.endpoint for server in self._servers},
        }
        keep(self._home.up, json.dumps(told, indent=1))

    def _announce(self) -> None:
        if self._env.port != self._asked.port:
            self._say(f"port {self._asked.port} is taken; {self._env.port} is used")
        self._say(
            f"Fairmesh is up at {self._env.public_url}\n"
            f"  sign in  {OPERATOR}, with the password in {self._home.password}\n"
            f"  logs     {self._home.logs}\n"
            "  stop     Ctrl-C, or python manage.py down"
        )


def _lock_soon(home: Home) -> int:
    """Return the lock; one whose platform was killed is free as soon as its children ended."""
    end = time.monotonic() + _ENDING_SECONDS
    while True:
        try:
            return home.lock()
        except AlreadyRunning:
            if _is_alive(home.holder()) or time.monotonic() > end:
                raise
            time.sleep(0.2)


def _is_alive(pid: int | None) -> bool:
    if pid is None:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
