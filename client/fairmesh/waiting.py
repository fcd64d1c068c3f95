"""Waiting for work that the platform does on its own, with a limit in seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from fairmesh.errors import FairmeshError, Pending

T = TypeVar("T")
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
TRANSFER_ENDS = frozenset({"done", "refused", "failed", "cancelled"})
RUN_ENDS = frozenset({"done", "failed", "cancelled", "skipped"})


def wait_until(look: Callable[[], T], good: Callable[[T], bool], what: str, timeout: float) -> T:
    """Return the first seen value that is good; raise Pending after `timeout` seconds.

    Looks often at first and then every two seconds.
    """
    deadline, pause = time.monotonic() + timeout, FIRST_PAUSE
    while not good(seen := look()):
        if time.monotonic() + pause > deadline:
            raise Pending(f"Still waiting for {what} after {timeout:g} s.")
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)
    return seen


def all_in(ends: frozenset[str]) -> Callable[[Iterable[dict[str, Any]]], bool]:
    """Return the test that every item has come to one of the states `ends`."""
    return lambda items: all(item["state"] in ends for item in items)


def finished_run(run: dict[str, Any]) -> dict[str, Any]:
    """Return a run that ended well; raise with its reason when it did not."""
    if run["state"] in {"failed", "cancelled"}:
        reason = run.get("reason") or "no reason was given"
        raise FairmeshError(f"The run {run['id']} {run['state']}: {reason}", run)
    return run
