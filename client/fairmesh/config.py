"""What the client remembers of each mesh: who one is there, and by which anchor it is trusted."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from platformdirs import user_config_path

from fairmesh.errors import UsageError


@dataclass(frozen=True)
class Mesh:
    """One mesh, by its address. The token is kept out of repr."""

    url: str
    name: str = ""
    username: str = ""
    anchor: str = ""
    """The public key trusted since first use, base64; empty before that."""
    token: str = field(default="", repr=False)


@dataclass(frozen=True)
class Config:
    """The remembered meshes and the one in use."""

    path: Path
    current: str = ""
    meshes: Mapping[str, Mesh] = field(default_factory=dict)

    def mesh(self, url: str | None = None) -> Mesh:
        """Return what is known of `url`, or of the current mesh; raise UsageError without any."""
        wanted = (url or self.current).rstrip("/")
        if not wanted:
            raise UsageError("No mesh is known yet. Run `fairmesh login URL`, or set FAIRMESH_URL.")
        return self.meshes.get(wanted, Mesh(wanted))

    def remember(self, mesh: Mesh, *, use: bool = True) -> Config:
        """Save `mesh`, as the current one when `use`; return the new configuration.

        The file is replaced in one step and readable by its owner only.
        """
        changed = replace(
            self,
            current=mesh.url if use or not self.current else self.current,
            meshes={**self.meshes, mesh.url: mesh},
        )
        document = {
            "current": changed.current,
            "meshes": {url: asdict(known) for url, known in changed.meshes.items()},
        }
        write_private(self.path, json.dumps(document, indent=2) + "\n")
        return changed


def config_path(environ: Mapping[str, str] = os.environ) -> Path:
    return Path(environ.get("FAIRMESH_CONFIG") or user_config_path("fairmesh") / "config.json")


def load_config(environ: Mapping[str, str] = os.environ) -> Config:
    """Return the saved configuration; raise UsageError when the file cannot be understood."""
    path = config_path(environ)
    if not path.exists():
        return Config(path)
    try:
        document = json.loads(path.read_text())
        meshes = {url: Mesh(**known) for url, known in document["meshes"].items()}
        return Config(path, str(document["current"]), meshes)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"The configuration {path} cannot be read: {error}.") from error


def write_private(path: Path, text: str) -> None:
    """Replace `path` in one step by a file that only its owner can read."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
