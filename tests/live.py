"""The whole platform as a process tree of its own, for tests that break it on purpose."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from config.env import REPOSITORY
from config.runtime.ports import free_ports
from tests.processes import group_members

UP_SECONDS = 150.0
END_SECONDS = 60.0
_SQLITE = "fairmesh.sqlite3"


@dataclass
class LivePlatform:
    """A platform that `manage.py up` keeps running in a home of its own."""

    home: Path
    process: subprocess.Popen[bytes]
    environ: Mapping[str, str]

    @property
    def told(self) -> dict[str, Any]:
        """What the platform says of itself: url, pid, processes by name, stores."""
        told: dict[str, Any] = json.loads((self.home / "run" / "up.json").read_text())
        return told

    @property
    def url(self) -> str:
        return str(self.told["url"])

    @property
    def admin_password(self) -> str:
        return (self.home / "admin-password").read_text().strip()

    @property
    def output(self) -> str:
        """What `up` printed so far."""
        return (self.home / "up.out").read_text()

    def log(self, name: str) -> str:
        return (self.home / "log" / f"{name}.log").read_text(errors="replace")

    def pid(self, name: str) -> int:
        """Return the leader of a process group: web, worker, beat, redis, store-eu, store-us."""
        return int(self.told["processes"][name])

    def worker_pids(self) -> list[int]:
        """Return the worker's leader and its pool, the leader first."""
        leader = self.pid("worker")
        return [leader, *(pid for pid in group_members(leader) if pid != leader)]

    def kill(self, name: str) -> None:
        """Kill -9 a whole process group; `up` starts it again."""
        os.killpg(self.pid(name), signal.SIGKILL)

    def get(self, path: str) -> tuple[int, str]:
        """Return status and body of a GET; status 0 when nobody answers."""
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of manage.py in this platform's home."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=REPOSITORY,
            env=dict(self.environ),
            capture_output=True,
            text=True,
            timeout=UP_SECONDS,
        )

    def stop(self) -> int:
        """Ask for the end and wait for it; return the status."""
        self.process.terminate()
        return self.process.wait(END_SECONDS)

    def start_again(self) -> None:
        """Start what has ended, in the same home with the same settings; return when it is up."""
        self.process = start(self.home, self.environ).process
        wait_up(self)


def processes_of(home: Path) -> dict[int, str]:
    """Return every process that has the home in its command line or its environment."""
    mark = os.fsencode(home)
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (folder / "cmdline").read_bytes()
            if mark in command or mark in (folder / "environ").read_bytes():
                found[int(folder.name)] = command.replace(b"\0", b" ").decode(errors="replace")
    found.pop(os.getpid(), None)
    return found


def wait_for(check: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    """Return what `check` returns once it is true; fail with `what` when it never is."""
    end = time.monotonic() + seconds
    while not (found := check()):
        if time.monotonic() > end:
            pytest.fail(f"After {seconds:g} s there was still not: {what}.")
        time.sleep(0.25)  # what is asked is a process that has work of its own
    return found


@contextlib.contextmanager
def home_folder() -> Iterator[Path]:
    """Make a home, and remove it once nothing of it runs."""
    home = Path(tempfile.mkdtemp(prefix="fm-live-"))
    try:
        yield home
    finally:
        for pid in processes_of(home):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def platform(
    home: Path | None = None, *, bare: bool = False, **settings: str
) -> Iterator[LivePlatform]:
    """Run `manage.py up` until it is up; end it afterwards, by force when it must be.

    It has a database of its own: SQLite in its home, or a new one on the PostgreSQL server that
    the run tests on. SQLite has its tables already, which take a third of the start, unless it
    is to be `bare`. `settings` are environment variables.
    """
    with contextlib.ExitStack() as stack:
        home = home or stack.enter_context(home_folder())
        database = stack.enter_context(_database())
        if not bare and "DATABASE_URL" not in {**database, **settings}:
            _give_tables(home)
        live = start(home, {**database, **settings})
        stack.callback(_end, live)
        wait_up(live)
        yield live


def start(home: Path, settings: Mapping[str, str]) -> LivePlatform:
    """Start `manage.py up` without waiting for it."""
    environ = {
        **_environ(home),
        "FAIRMESH_PORT": str(free_ports(1)[0]),
        "FAIRMESH_WEB_PROCESSES": "1",
        "FAIRMESH_LEASE_SECONDS": "4",
        "FAIRMESH_SWEEP_SECONDS": "1",
        **settings,
    }
    with (home / "up.out").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up"],
            cwd=REPOSITORY,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return LivePlatform(home, process, environ)


def wait_up(live: LivePlatform) -> None:
    """Wait until it says that it is up; fail with what it printed when it ended instead."""

    def is_up() -> bool:
        if live.process.poll() is not None:
            pytest.fail(f"`up` ended with {live.process.returncode}:\n{live.output}")
        return (live.home / "run" / "up.json").exists()

    wait_for(is_up, f"a platform that is up; it printed:\n{live.output}", UP_SECONDS)


def _end(live: LivePlatform) -> None:
    if live.process.poll() is None:
        try:
            live.stop()
        except subprocess.TimeoutExpired:
            live.process.kill()
            live.process.wait()


def _give_tables(home: Path) -> None:
    database = home / _SQLITE
    if not database.exists():
        shutil.copy(_tables(), database)


@cache
def _tables() -> Path:
    """Return a SQLite database after all migrations; each process makes one."""
    folder = Path(tempfile.mkdtemp(prefix="fm-tables-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=REPOSITORY, env=_environ(folder), check=True, timeout=UP_SECONDS)
    return folder / _SQLITE


def _environ(home: Path) -> dict[str, str]:
    """Return the environment of a platform of tests that lives in `home`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FAIRMESH_")}
    return {
        **kept,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "FAIRMESH_HOME": str(home),
    }


@contextlib.contextmanager
def _database() -> Iterator[dict[str, str]]:
    """Make a database on the run's PostgreSQL server, or say nothing for SQLite."""
    server = os.environ.get("DATABASE_URL", "")
    if not server.startswith("postgres"):
        yield {}
        return
    name = f"live_{uuid4().hex[:12]}"
    parts = urlsplit(server)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield {"DATABASE_URL": urlunsplit(parts._replace(path=f"/{name}"))}
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )
