"""The words of every copy: what is copied, between which stores, who watches, how it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from core.errors import FairmeshError
from core.files import FileEntry
from movement.engine.pace import Pace
from movement.stores.protocol import Store


class CopyState(Enum):
    COPIED = "copied"
    PRESENT = "present"
    """It was at the target already, with the right size and recorded sha256."""
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class CopyItem:
    """One file to copy. With `replace` it is sent even when the target claims to hold it.

    With `look` a small one may be there already: the target is asked before it is sent, not while.
    """

    source_key: str
    target_key: str
    entry: FileEntry
    replace: bool = False
    look: bool = False


@dataclass(frozen=True, slots=True)
class CopyOutcome:
    """What became of one file; `bytes_kept` were at the target already and were not sent."""

    item: CopyItem
    state: CopyState
    bytes_sent: int = 0
    bytes_kept: int = 0
    parts_sent: int = 0
    parts_kept: int = 0
    error: FairmeshError | None = None


def _ignore(value: object) -> None:
    del value


@dataclass(frozen=True, slots=True)
class Watch:
    """How a caller follows a copy. The two reports are never called at the same time."""

    on_file: Callable[[CopyOutcome], None] = _ignore
    on_bytes: Callable[[int], None] = _ignore
    """Bytes handed to the target since the last call, or found there in a part that is kept; a
    repeated part counts again."""
    should_stop: Callable[[], bool] = lambda: False
    """Asked at every piece, from any thread."""
    pace: Pace | None = None
    """Holds the threads up, so that no more passes than it allows."""


@dataclass(frozen=True, slots=True)
class Route:
    """From one store to another."""

    source: Store
    target: Store

    @property
    def is_within(self) -> bool:
        """Say whether both are one store, which can copy without sending anything."""
        return self.source.label == self.target.label


@dataclass(slots=True)
class CopySummary:
    """Totals of one run; files that were never begun are in none of them."""

    copied: int = 0
    present: int = 0
    failed: int = 0
    stopped: int = 0
    bytes_sent: int = 0
    bytes_kept: int = 0

    def add(self, outcome: CopyOutcome) -> None:
        self.copied += outcome.state is CopyState.COPIED
        self.present += outcome.state is CopyState.PRESENT
        self.failed += outcome.state is CopyState.FAILED
        self.stopped += outcome.state is CopyState.STOPPED
        self.bytes_sent += outcome.bytes_sent
        self.bytes_kept += outcome.bytes_kept
