"""What Linux tells of processes, for tests that look at them and kill them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path


def group_members(group: int) -> list[int]:
    """Return the processes of a group that are not zombies."""
    return sorted(pid for pid, state, _, of in _all() if of == group and state != "Z")


def children_of(parent: int) -> list[int]:
    """Return the processes that a process started and that did not end."""
    return sorted(pid for pid, state, of, _ in _all() if of == parent and state != "Z")


def is_alive(pid: int) -> bool:
    """Say whether a process runs; a zombie does not."""
    return any(found == pid and state != "Z" for found, state, _, _ in _all())


def _all() -> Iterator[tuple[int, str, int, int]]:
    """Yield (process, state, parent, group)."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent, group = stat.read_text().rpartition(")")[2].split()[:3]
            yield int(stat.parent.name), state, int(parent), int(group)
