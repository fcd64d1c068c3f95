"""Ends the process groups it was told of when its parent is gone, however the parent ended.

Run as a script. It reads lines from its standard input: `+<group>` and `-<group>`. At the end
of the input, which comes even when the parent was killed with -9, what is left is ended, and the
files named as arguments are removed. It keeps the home's lock until then, through a descriptor
that it inherits.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time

_GRACE_SECONDS = 2.0


def _send(groups: set[int], number: signal.Signals) -> set[int]:
    """Signal the groups; return those that exist still."""
    alive = set()
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, number)
            alive.add(group)
    return alive


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        change = groups.add if line[0] == "+" else groups.discard
        change(int(line[1:]))
    end = time.monotonic() + _GRACE_SECONDS
    while (groups := _send(groups, signal.SIGTERM)) and time.monotonic() < end:
        time.sleep(0.2)
    _send(groups, signal.SIGKILL)
    for path in sys.argv[1:]:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


if __name__ == "__main__":
    main()
