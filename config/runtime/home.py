"""FAIRMESH_HOME: the one folder of the embedded profile's state, closed to everyone else."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.env import socket_folder


class AlreadyRunning(Exception):
    """Another `up` holds this home."""


@dataclass(frozen=True)
class Home:
    """The paths below FAIRMESH_HOME."""

    root: Path

    @property
    def run(self) -> Path:
        """Sockets and what else lives no longer than the platform does."""
        return socket_folder(self.root)

    @property
    def logs(self) -> Path:
        return self.root / "log"

    @property
    def password(self) -> Path:
        return self.root / "admin-password"

    @property
    def up(self) -> Path:
        """What runs now: written when the platform is up, gone when it ended."""
        return self.root / "run" / "up.json"

    def make(self) -> None:
        """Make the folders with mode 0700; refuse a socket folder that somebody else made."""
        for folder in (self.root, self.root / "run", self.logs):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.root.chmod(0o700)
        self.run.mkdir(mode=0o700, exist_ok=True)
        found = self.run.lstat()
        if found.st_uid != os.getuid() or found.st_mode & 0o077 or self.run.is_symlink():
            raise PermissionError(
                f"{self.run} must be a folder that only you can use; remove it, or set "
                "FAIRMESH_HOME to a shorter path."
            )

    def lock(self) -> int:
        """Return a descriptor that holds the home until every copy of it is closed."""
        descriptor = os.open(self.root / "run" / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise AlreadyRunning(str(self.root)) from error
        os.truncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        return descriptor

    def holder(self) -> int | None:
        """Return the process that took the lock, or None while nobody holds it.

        A holder that was killed is told until its watchdog has ended what it left.
        """
        try:
            descriptor = os.open(self.root / "run" / "lock", os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(os.read(descriptor, 20) or b"0") or None
        finally:
            os.close(descriptor)
        return None

    def what_runs(self) -> dict[str, Any] | None:
        """Return what `up.json` tells, or None while nothing is up."""
        try:
            told: dict[str, Any] = json.loads(self.up.read_text())
        except (FileNotFoundError, ValueError):
            return None
        return told


def keep(path: Path, text: str) -> None:
    """Write a file that its owner alone can read; readers see the old or the new text whole."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)
