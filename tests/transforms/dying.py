"""A worker that dies while it writes a given object."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from transforms.engine.sources import LocalFolder


class Killed(BaseException):
    """Stands for a worker that dies."""


@dataclass(frozen=True)
class DyingFolder(LocalFolder):
    """Dies while a given object is being written."""

    dies_at: str = ""

    @contextmanager
    def create(self, key: str) -> Iterator[BinaryIO]:
        with super().create(key) as stream:
            yield stream
            if key.endswith(self.dies_at):
                raise Killed
