"""`python -m tests.postgres [arguments]`: the tests again, on a PostgreSQL of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Return pytest's status. The server listens on a UNIX socket only and is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="fm-pg-") as folder:
        # the server's wheel keeps its lock there, and warns when nobody says where
        runtime = Path(folder) / "runtime"
        runtime.mkdir(mode=0o700)
        os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
        from pgserver import get_server  # type: ignore[attr-defined]  # noqa: PLC0415  # reads XDG_RUNTIME_DIR when imported

        server = get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            sys.stdout.write("The tests run again, on PostgreSQL.\n")
            sys.stdout.flush()
            return subprocess.call(
                [sys.executable, "-m", "pytest", *arguments],
                env={**os.environ, "DATABASE_URL": server.get_uri()},
            )
        finally:
            server.cleanup()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
