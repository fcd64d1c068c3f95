"""`python -m tests.deployment`: `check --deploy` for an address with https, without a warning."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from config.env import REPOSITORY


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="fm-deploy-") as home:
        environ = {
            **os.environ,
            "FAIRMESH_HOME": home,
            "FAIRMESH_PUBLIC_URL": "https://mesh.example.org",
            "FAIRMESH_ALLOWED_HOSTS": "mesh.example.org",
            "FAIRMESH_POLICY_REVIEW": "true",
        }
        command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
        return subprocess.call(command, cwd=REPOSITORY, env=environ)


if __name__ == "__main__":
    sys.exit(main())
