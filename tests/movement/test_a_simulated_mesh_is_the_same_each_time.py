"""The same scenario and seed give the same report and picture, byte for byte."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from movement.engine.simulation import report
from movement.engine.simulation.run import simulate
from tests.movement.simulated import small

PROGRAM = """
import hashlib, json
from movement.engine.simulation import report
from movement.engine.simulation.picture import picture
from movement.engine.simulation.run import simulate
from tests.movement.simulated import small
outcome = simulate(small(), days=9)
told = report.facts(outcome)
print(hashlib.sha256((json.dumps(told) + report.text(told) + picture(outcome, told)).encode())
      .hexdigest())
"""


def digest(hash_seed: str) -> str:
    """Run in a process of its own, whose sets come in another order."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_two_processes_say_the_same() -> None:
    assert digest("1") == digest("2") != ""


def test_another_seed_is_another_course_of_events() -> None:
    one, other = (report.facts(simulate(small(), seed=seed, days=3)) for seed in (1, 2))
    assert one["chronicle"] != other["chronicle"]
    assert one["days"] == 3
    assert [each["day"] for each in one["by_day"]] == [0, 1, 2]
