"""A figure is one line of one form, and a goal that is missed is the exit code."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from benchmarks.harness import Figure, finish, in_turns, paired, run

LINE = re.compile(r"FIGURE (\S+) (\S+) (.+) \(peer (\S+), ratio (\S+), goal (\S+)\)")


def test_the_line_has_one_form() -> None:
    figure = paired("copy_large", "MB/s", [(72.0, 36.0), (50.0, 50.0), (30.0, 10.0)], 1.0)
    assert str(figure) == "FIGURE copy_large 50 MB/s (peer 36, ratio 2, goal 1)"
    alone = Figure("rss", 20.0, "MiB")
    assert LINE.fullmatch(str(alone))
    assert str(alone).endswith("(peer none, ratio none, goal none)")


@pytest.mark.parametrize(("ours", "code"), [(2.0, 0), (1.0, 0), (0.999, 1)])
def test_the_exit_code_is_the_goal(ours: float, code: int) -> None:
    assert finish([paired("speed", "MB/s", [(ours, 1.0)], 1.0)]) == code


def test_a_quick_run_judges_no_goal(capsys: pytest.CaptureFixture[str]) -> None:
    assert finish([paired("speed", "MB/s", [(0.1, 1.0)], 1.0)], judge=False) == 0
    assert "not judged" in capsys.readouterr().out


def test_the_sides_take_turns() -> None:
    order: list[str] = []
    in_turns(2, lambda n: order.append(f"ours {n}"), lambda n: order.append(f"peer {n}"))
    assert order == ["ours 0", "peer 0", "ours 1", "peer 1"]


def test_a_process_that_fails_ends_the_benchmark(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no store')"]
    with pytest.raises(SystemExit, match="no store"):
        run(command, {}, tmp_path / "log")


def test_the_memory_of_children_is_counted(tmp_path: Path) -> None:
    held = "import time; held = bytearray(b'x') * 80_000_000; time.sleep(1.5)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {held!r}])"
    ran = run([sys.executable, "-c", parent], {}, tmp_path / "log")
    assert ran.peak_bytes > 80_000_000
    assert ran.seconds > 1.5
