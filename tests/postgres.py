"""`python -m tests.postgres [arguments]`: on PostgreSQL again what knows a difference.

With `--all` every test runs there, those too that ask the database nothing which others do not ask.
The server is one of the wheel `pgserver`, gone afterwards; where that wheel does not exist
(Python 3.13), the one that FAIRMESH_TEST_POSTGRES names.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Return pytest's status, whose closing line is the last one printed."""
    with server() as url:
        sys.stdout.write("The tests run again, on PostgreSQL.\n")
        sys.stdout.flush()
        chosen = [] if "--all" in arguments else ["--database-only"]
        others = [each for each in arguments if each != "--all"]
        command = [sys.executable, "-m", "pytest", *chosen, *others]
        return subprocess.call(command, env={**os.environ, "DATABASE_URL": url})


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Yield the address of a server on a UNIX socket, or of the one that is named."""
    if given := os.environ.get("FAIRMESH_TEST_POSTGRES"):
        yield given
        return
    if find_spec("pgserver") is None:
        raise SystemExit(
            "There is no wheel of PostgreSQL for this Python: use 3.11 or 3.12, or set "
            "FAIRMESH_TEST_POSTGRES to postgresql://user:password@host/name of a superuser."
        )
    with tempfile.TemporaryDirectory(prefix="fm-pg-") as folder:
        # the wheel reads this when it is imported, and warns when nobody says where
        runtime = Path(folder) / "runtime"
        runtime.mkdir(mode=0o700)
        os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
        server = import_module("pgserver").get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
