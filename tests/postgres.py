"""`python -m tests.postgres [arguments]`: on PostgreSQL again what is asked of a database.

The tests that ask it are chosen by what each asked on SQLite, where all must have run before
(`tests/statements.py`); if not, all run that ask a database anything. With `--all` every test runs.
The server is one of the wheel `pgserver`, gone afterwards; where that wheel does not exist
(Python 3.13), the one that FAIRMESH_TEST_POSTGRES names.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

from tests.processes import children_of, is_alive


def main(arguments: list[str]) -> int:
    """Return pytest's status, whose closing line is the last one printed."""
    with server() as url:
        sys.stdout.write("The tests run again, on PostgreSQL.\n")
        sys.stdout.flush()
        chosen = [] if "--all" in arguments else ["--database-only"]
        others = [each for each in arguments if each != "--all"]
        command = [sys.executable, "-m", "pytest", *chosen, *others]
        return subprocess.call(command, env={**os.environ, "DATABASE_URL": url})


class OwnServer:
    """A server of one's own on a UNIX socket, that may be killed and started again."""

    def __init__(self, folder: Path) -> None:
        # the wheel reads this when it is imported, and warns when nobody says where
        runtime = folder / "runtime"
        runtime.mkdir(mode=0o700)
        os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
        wheel = import_module("pgserver")
        self._server: Any = wheel.get_server(folder / "data", cleanup_mode="delete")
        self.url: str = self._server.get_uri()
        with psycopg.connect(self.url, autocommit=True) as connection:
            # what is written outlives every process, and no test cuts the power
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")

    def kill(self) -> None:
        """Kill -9 the server and every process that it started; return when they have ended."""
        leader = int(self._server.get_pid())
        processes = [leader, *children_of(leader)]
        for pid in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        while any(is_alive(pid) for pid in processes):
            time.sleep(0.02)

    def start_again(self) -> None:
        """Start what was killed, on the same data, at the same address; return when it answers."""
        self._server.ensure_postgres_running()
        if self._server.get_uri() != self.url:
            raise RuntimeError(f"The server is at {self._server.get_uri()}, not at {self.url}.")

    def close(self) -> None:
        self._server.cleanup()


def can_be_made() -> bool:
    """Say whether there is a wheel of PostgreSQL for this Python."""
    return find_spec("pgserver") is not None


@contextlib.contextmanager
def own_server() -> Iterator[OwnServer]:
    """Yield a new server, gone afterwards."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="fm-pg-"))
        yield stack.enter_context(contextlib.closing(OwnServer(Path(folder))))


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Yield the address of a server on a UNIX socket, or of the one that is named."""
    if given := os.environ.get("FAIRMESH_TEST_POSTGRES"):
        yield given
        return
    if not can_be_made():
        raise SystemExit(
            "There is no wheel of PostgreSQL for this Python: use 3.11 or 3.12, or set "
            "FAIRMESH_TEST_POSTGRES to postgresql://user:password@host/name of a superuser."
        )
    with own_server() as found:
        yield found.url


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
