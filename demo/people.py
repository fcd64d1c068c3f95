"""Who acts in the demonstration, each signed in as a user of their own."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairmesh import Client
from fairmesh.config import load_config
from fairmesh.errors import Conflict, NotAuthenticated
from fairmesh.login import exchange_password, sign_in

from demo.platform import REPOSITORY

COMMAND_SECONDS = 300


@dataclass(frozen=True)
class Spoken:
    """What a command of the `fairmesh` program ended with."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Person:
    """Someone signed in: by the library (`mesh`) and by the command (`say`)."""

    username: str
    mesh: Client
    config: Path

    def say(self, *arguments: str, expect: int = 0) -> Spoken:
        """Run `fairmesh …` as this person; SystemExit unless it ends with `expect`."""
        environment = {
            **os.environ,
            "FAIRMESH_CONFIG": str(self.config),
            "PYTHONPATH": str(REPOSITORY / "client"),
        }
        for name in ("FAIRMESH_TOKEN", "FAIRMESH_URL"):
            environment.pop(name, None)
        ended = subprocess.run(
            [sys.executable, "-m", "fairmesh", *arguments],
            capture_output=True,
            text=True,
            env=environment,
            stdin=subprocess.DEVNULL,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        if ended.returncode != expect:
            raise SystemExit(
                f"`fairmesh {' '.join(arguments)}` as {self.username} ended with "
                f"{ended.returncode} instead of {expect}:\n{ended.stdout}{ended.stderr}"
            )
        return Spoken(ended.returncode, ended.stdout, ended.stderr)


class People:
    """The users of the demonstration; their passwords are made up once and kept in `folder`."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def sign_in(self, username: str, password: str) -> Person:
        """Return the user, signed in with a token that lives a day."""
        path = self.folder / username / "config.json"
        config = load_config({"FAIRMESH_CONFIG": str(path)})
        known = config.mesh(self.url)
        try:
            found = sign_in(config, self.url, known.token)
        except (NotAuthenticated, KeyError):
            token = exchange_password(self.url, username, password, days=1.0)
            found = sign_in(config, self.url, token)
        config = load_config({"FAIRMESH_CONFIG": str(path)})
        mesh = config.mesh(found.url)
        return Person(username, Client(mesh.url, mesh.token, config), path)

    def join(self, operator: Person, username: str) -> Person:
        """Return the user, created by the operator when there was none."""
        password = self._password(username)
        with suppress(Conflict):  # from an earlier demonstration; the password is kept here
            operator.mesh.api.post("users", {"username": username, "password": password})
        return self.sign_in(username, password)

    def _password(self, username: str) -> str:
        path = self.folder / f"{username}.password"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(18))
        return path.read_text()
