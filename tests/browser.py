"""`python -m tests.browser`: make sure that there is a Chromium, or say how to get one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str | None:
    """Return the path of a Chromium, or None."""
    given = os.environ.get("FAIRMESH_TEST_CHROMIUM")
    return given or next((path for name in NAMES if (path := shutil.which(name))), None)


def main() -> int:
    """Return 0 when there is one. It is installed only by root, and only from Debian's packages."""
    if chromium():
        return 0
    apt = shutil.which("apt-get")
    if apt and os.geteuid() == 0:
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.call([apt, "update", "-qq"], env=quiet)
        subprocess.call(
            [
                apt,
                "install",
                "-y",
                "-qq",
                "--no-install-recommends",
                "chromium",
                "fonts-dejavu-core",
            ],
            env=quiet,
            stdout=subprocess.DEVNULL,
        )
    if chromium():
        return 0
    sys.stderr.write(
        "The browser tests need Chromium: `apt-get install chromium` (as root), or set "
        "FAIRMESH_TEST_CHROMIUM to a Chromium or Chrome that is installed.\n"
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
