"""What the client remembers of a mesh's log: the newest checkpoint that it verified.

It lies beside the configuration. A mesh that rewrites its history must also rewrite this.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from fairmesh.config import Config, write_private
from fairmesh.errors import UsageError, VerificationFailed
from fairmesh.tree import Checkpoint


@dataclass(frozen=True)
class Witness:
    """The memory of one mesh's log."""

    path: Path

    @classmethod
    def of(cls, config: Config, url: str) -> Witness:
        name = hashlib.sha256(url.rstrip("/").encode()).hexdigest()[:16]
        return cls(config.path.parent / "audit" / f"{name}.checkpoint")

    def remembered(self) -> Checkpoint | None:
        """Return the newest checkpoint that was verified; None before the first time."""
        if not self.path.exists():
            return None
        return read_checkpoint(self.path)

    def remember(self, checkpoint: Checkpoint) -> None:
        """Keep a verified checkpoint, unless a newer one is kept already."""
        known = self.remembered()
        if known is None or known.size < checkpoint.size:
            write_private(self.path, checkpoint.note)


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint from a file, as the client or a store keeps it."""
    try:
        return Checkpoint.read(path.read_text())
    except (OSError, ValueError, VerificationFailed) as error:
        raise UsageError(f"{path} holds no checkpoint that can be read: {error}.") from error
