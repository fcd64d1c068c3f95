"""Cases of `tests.transforms.fuzz`, in processes that may die of them.

`python -m tests.transforms.campaign SECONDS [FIRST]` goes on for so long from a seed on, and tells
what it found; each fault is told by its file and its seed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.transforms.damaged import FILES

REPOSITORY = Path(__file__).parents[2]
LOT, LOT_OF_ORC = 100, 5
"""Cases of a file in each process; ORC is read in a further process for each."""
Case = tuple[str, int]
"""A file and the seed of what happens to it."""


@dataclass
class Found:
    """What a campaign came upon."""

    cases: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    """How often a run over each file ended in each way."""
    faults: list[str] = field(default_factory=list)
    """Tracebacks, deaths and cases that took too long, each with its case."""


def cases(first: int, count: int, of_orc: int) -> list[Case]:
    """Return so many cases of each file from the seed `first` on."""
    return [
        (path, first + at)
        for path in FILES
        for at in range(of_orc if path.endswith(".orc") else count)
    ]


def look(chosen: Sequence[Case], found: Found) -> None:
    """Do every case, whatever some do to their process."""
    while chosen:
        chosen = chosen[_begun(chosen, found) :]


def _begun(chosen: Sequence[Case], found: Found) -> int:
    """Do cases in one process until it ends; return how many were begun, at least one."""
    child = subprocess.run(
        [sys.executable, "-m", "tests.transforms.fuzz"],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'client'}"},
        input="\n".join(f"{path} {seed}" for path, seed in chosen),
        capture_output=True,
        text=True,
        check=False,
    )
    begun, case = 0, "the start"
    for line in child.stdout.splitlines():
        word, _, rest = line.partition(" ")
        if word == "case":
            begun, case = begun + 1, rest
        elif word == "fault":
            found.faults.append(f"{case}: {json.loads(rest)}")
        else:
            found.ends[f"{case.partition(' ')[0]}: {rest}"] += 1
    if child.returncode:
        found.faults.append(f"{case}: ended by {child.returncode}: {child.stderr[:2000]}")
    found.cases += begun
    return max(begun, 1)


def main() -> int:
    seconds, first = float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    found, end = Found(), time.monotonic() + seconds
    while time.monotonic() < end:
        look(cases(first, LOT, LOT_OF_ORC), found)
        first += LOT
    ends = [f"{count:8} {end}" for end, count in sorted(found.ends.items())]
    last = f"{found.cases} cases, {len(found.faults)} faults; the next seed is {first}"
    sys.stdout.write("\n".join([*found.faults, *ends, last, ""]))
    return bool(found.faults)


if __name__ == "__main__":
    sys.exit(main())
