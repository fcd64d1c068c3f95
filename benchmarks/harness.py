"""Paired measuring, and how figures are told: every benchmark prints the same lines.

The two sides take turns (A B A B …), so that what slows the machine slows both. A figure is the
median of a side; its ratio is the median of the ratios within the pairs, so that a slow minute
weighs on one pair and not on one side.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import TypeVar

MIB = 1024 * 1024
_SAMPLE_SECONDS = 0.05
_ROOT = Path(__file__).resolve().parent.parent

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Options:
    """What the command line asked for."""

    pairs: int
    quick: bool
    sizes: tuple[str, ...] = ()


def options(about: str | None, *, pairs: int = 5, sizes: Sequence[str] = ()) -> Options:
    """Read `--pairs N` and `--quick`: one pair on little data, with every check of the work.

    A benchmark that knows some `sizes` is asked for one with `--size`, else it does them all.
    """
    parser = argparse.ArgumentParser(description=(about or "").splitlines()[0])
    parser.add_argument("--pairs", type=int, default=None, help=f"by default {pairs}")
    parser.add_argument("--quick", action="store_true", help="little data, one pair")
    if sizes:
        parser.add_argument("--size", choices=sizes, help="by default all, one after the other")
    given = parser.parse_args()
    chosen = (given.size,) if sizes and given.size else tuple(sizes)
    return Options(given.pairs or (1 if given.quick else pairs), given.quick, chosen)


def need(*, modules: Sequence[str] = (), programs: Sequence[str] = ()) -> None:
    """End with what to install when something is not there; nothing is installed from here."""
    missing = [name for name in modules if find_spec(name) is None]
    missing += [name for name in programs if not program(name).exists()]
    if missing:
        sys.exit(
            f"This benchmark needs {', '.join(missing)}.\n"
            "Install the extras it belongs to: "
            ".venv/bin/uv pip install -e '.[bench,demo,embedded,fast]'"
        )


def program(name: str) -> Path:
    """Return where the running environment keeps a program that came with a package."""
    return Path(sys.executable).with_name(name)


# -- figures


@dataclass(frozen=True)
class Figure:
    """One measured value. `goal` is what `ratio` must reach; None where nothing is asked."""

    name: str
    value: float
    unit: str
    peer: float | None = None
    ratio: float | None = None
    goal: float | None = None

    @property
    def is_missed(self) -> bool:
        return self.goal is not None and (self.ratio is None or self.ratio < self.goal)

    def __str__(self) -> str:
        return (
            f"FIGURE {self.name} {_told(self.value)} {self.unit} "
            f"(peer {_told(self.peer)}, ratio {_told(self.ratio)}, goal {_told(self.goal)})"
        )


def _told(value: float | None) -> str:
    """Return a number with four digits that count, without an exponent."""
    if value is None:
        return "none"
    if abs(value) >= 1000:
        return f"{value:.0f}"
    return f"{value:.4g}"


def paired(
    name: str, unit: str, pairs: Sequence[tuple[float, float]], goal: float | None = None
) -> Figure:
    """Return the figure of some (ours, peer's) pairs of the same run."""
    ours, peers = zip(*pairs, strict=True)
    ratio = median(one / max(other, 1e-12) for one, other in pairs)
    return Figure(name, median(ours), unit, median(peers), ratio, goal)


def spread(name: str, pairs: Sequence[tuple[float, float]]) -> str:
    """Return a line that shows how far the pairs lie apart."""
    told = ", ".join(f"{_told(one)}/{_told(other)}" for one, other in pairs)
    ratios = [one / max(other, 1e-12) for one, other in pairs]
    return f"{name} pairs ours/peer: {told} (ratios {min(ratios):.2f} to {max(ratios):.2f})"


def finish(figures: Sequence[Figure], *, judge: bool = True) -> int:
    """Print the figures and return the exit code: 1 when a goal is missed.

    A quick run is not judged (`judge` false): its data are too little for any goal.
    """
    for figure in figures:
        print(figure, flush=True)
    missed = [figure.name for figure in figures if figure.is_missed]
    if not judge:
        print("quick: the work was checked, the goals were not judged", flush=True)
        return 0
    if missed:
        print(f"missed: {', '.join(missed)}", file=sys.stderr)
    return int(bool(missed))


# -- conditions


def print_conditions(
    asked: Options, sizes: str, packages: Sequence[str], versions: Mapping[str, str] | None = None
) -> None:
    """Print what the figures depend on, the load of the machine before the start included."""
    found = {name: metadata.version(name) for name in packages} | dict(versions or {})
    print(f"machine: {os.cpu_count()} x {_cpu_model()}, {_memory_gib():.1f} GiB, {_system()}")
    print(f"load before the start: {os.getloadavg()[0]:.2f} (0 is a quiet machine)")
    print(f"versions: python {platform.python_version()}, {_listed(found)}")
    print(f"pairs: {asked.pairs}, taken in turns{', quick' if asked.quick else ''}")
    print(f"sizes: {sizes}", flush=True)


def _listed(found: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in found.items())


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3


def _system() -> str:
    return f"{platform.system()} {platform.release()}"


# -- runs


@dataclass(frozen=True)
class Ran:
    """What one process cost, from its start to its end, its children included."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    """The most memory its tree held at once: resident pages, shared ones counted once."""
    output: str

    def answer(self) -> dict[str, float | int | str]:
        """Return the JSON object that the process printed as its last line."""
        found: dict[str, float | int | str] = json.loads(self.output.strip().splitlines()[-1])
        return found


def in_turns(
    count: int, ours: Callable[[int], _Result], peers: Callable[[int], _Result]
) -> list[tuple[_Result, _Result]]:
    """Return the results of `count` pairs, A B A B …; each side is given the pair's number."""
    return [(ours(number), peers(number)) for number in range(count)]


def run(command: Sequence[str | Path], environment: Mapping[str, str], log: Path) -> Ran:
    """Run a process to its end and return what it cost; its failure ends the benchmark."""
    began = time.perf_counter()
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            [str(word) for word in command],
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=_ROOT,
            env={**os.environ, **environment},
        ) as process,
    ):
        peak = 0
        usage = None
        while usage is None:
            peak = max(peak, _tree_bytes(process.pid))
            pid, status, seen = os.wait4(process.pid, os.WNOHANG)
            if pid:
                seconds = time.perf_counter() - began
                process.returncode = os.waitstatus_to_exitcode(status)
                usage = seen
            else:
                time.sleep(_SAMPLE_SECONDS)
        assert process.stdout is not None
        output = process.stdout.read().decode()
    if process.returncode:
        told = log.read_text(errors="replace")[-3000:]
        sys.exit(f"{command[0]} ended with {process.returncode}:\n{told}")
    return Ran(seconds, usage.ru_utime + usage.ru_stime, peak, output)


def _tree_bytes(pid: int) -> int:
    """Return the memory that a process and its descendants hold now.

    A lone process tells its highest mark so far; of a tree, pages held in common count once.
    """
    tree = _tree(pid)
    if len(tree) == 1:
        return _kib(Path(f"/proc/{pid}/status"), "VmHWM") * 1024
    return sum(_kib(Path(f"/proc/{each}/smaps_rollup"), "Pss") for each in tree) * 1024


def _tree(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):  # gone meanwhile
            for children in Path(f"/proc/{parent}/task").glob("*/children"):
                found += [int(child) for child in _text(children).split()]
    return found


def _kib(path: Path, name: str) -> int:
    for line in _text(path).splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    return 0


def _text(path: Path) -> str:
    """Return what /proc tells, nothing once the process is gone."""
    try:
        return path.read_text()
    except OSError:
        return ""
