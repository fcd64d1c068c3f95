"""Keeps children running: started in order, restarted when they die, and none left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from config.env import REPOSITORY

FIRST_PAUSE, LAST_PAUSE = 0.5, 30.0
_STEADY_SECONDS = 30.0
"""A child that lived this long starts again without delay."""
_POLL_SECONDS = 0.2
_LOG_BYTES = 20 * 1024 * 1024
_WATCHDOG = Path(__file__).with_name("watchdog.py")


class StartFailed(Exception):
    """A child did not become ready; the message ends with the tail of its log."""


class StopAsked(Exception):
    """Somebody asked for the end while things were starting."""


@dataclass(frozen=True)
class Child:
    """What runs as one process group."""

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)
    folder: Path = REPOSITORY
    ready: Callable[[], bool] | None = None
    ready_seconds: float = 90.0
    grace_seconds: float = 5.0
    needed: bool = False
    """Others need it while they end: it ends after them."""


@dataclass
class _Running:
    child: Child
    process: subprocess.Popen[bytes]
    since: float
    deaths: int = 0
    restart_at: float | None = None


class Supervisor:
    """One process tree. Use from the main thread; `ask_stop` may come from a signal handler."""

    def __init__(self, logs: Path, say: Callable[[str], None], changed: Callable[[], None]) -> None:
        self._logs = logs
        self._say = say
        self._changed = changed
        self._running: dict[str, _Running] = {}
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._stop_asked = False

    def guard(self, lock: int, doomed: Sequence[Path]) -> None:
        """Start the watchdog: it keeps the lock, and ends our children when we are killed."""
        self._watchdog = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_WATCHDOG), *map(str, doomed)],
            stdin=subprocess.PIPE,
            start_new_session=True,
            pass_fds=(lock,),
        )

    def ask_stop(self) -> None:
        self._stop_asked = True

    def pids(self) -> dict[str, int]:
        return {name: running.process.pid for name, running in self._running.items()}

    def start(self, *children: Child) -> None:
        """Start all of them at once."""
        for child in children:
            self._running[child.name] = _Running(child, self._spawn(child), time.monotonic())

    def wait(self) -> None:
        """Wait until all that were started are ready; raise StartFailed or StopAsked."""
        for running in self._running.values():
            self._wait_ready(running)

    def watch(self) -> None:
        """Restart what dies, with a growing pause, until somebody asks to stop."""
        while not self._stop_asked:
            for running in self._running.values():
                self._look_after(running)
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """End all children, those that others need last; one that outlives its grace is killed."""
        for needed in (False, True):
            self._end([r for r in self._running.values() if r.child.needed is needed])
        self._running.clear()
        if self._watchdog is not None and self._watchdog.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._watchdog.stdin.close()
            self._watchdog.wait()

    def _spawn(self, child: Child) -> subprocess.Popen[bytes]:
        log = self._logs / f"{child.name}.log"
        if log.exists() and log.stat().st_size > _LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as output:
            process = subprocess.Popen(
                child.command,
                cwd=child.folder,
                env={**os.environ, **child.environ},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._tell(f"+{process.pid}")
        return process

    def _tell(self, line: str) -> None:
        if self._watchdog is not None and self._watchdog.stdin is not None:
            self._watchdog.stdin.write(f"{line}\n".encode())
            self._watchdog.stdin.flush()

    def _wait_ready(self, running: _Running) -> None:
        child = running.child
        end = time.monotonic() + child.ready_seconds
        while child.ready is not None and not child.ready():
            if self._stop_asked:
                raise StopAsked
            if (status := running.process.poll()) is not None:
                raise StartFailed(f"{child.name} ended with {status}.\n{self._tail(child)}")
            if time.monotonic() > end:
                raise StartFailed(
                    f"{child.name} was not ready after {child.ready_seconds:g} s.\n"
                    f"{self._tail(child)}"
                )
            time.sleep(0.1)

    def _tail(self, child: Child) -> str:
        log = self._logs / f"{child.name}.log"
        lines = log.read_text(errors="replace").splitlines()[-15:]
        return "\n".join([f"{log}:", *lines])

    def _look_after(self, running: _Running) -> None:
        now = time.monotonic()
        if running.restart_at is not None:
            if now >= running.restart_at:
                running.process, running.since = self._spawn(running.child), now
                running.restart_at = None
                self._say(f"{running.child.name} runs again (pid {running.process.pid})")
                self._changed()
            return
        status = running.process.poll()
        if status is None:
            return
        self._end_group(running.process)
        steady = now - running.since > _STEADY_SECONDS
        running.deaths = 1 if steady else running.deaths + 1
        pause = min(FIRST_PAUSE * 2 ** (running.deaths - 1), LAST_PAUSE)
        running.restart_at = now + pause
        self._say(
            f"{running.child.name} ended ({_how(status)}); it starts again in {pause:g} s, "
            f"see {self._logs / running.child.name}.log"
        )

    def _end(self, ending: Sequence[_Running]) -> None:
        for running in ending:
            if running.child.grace_seconds and running.process.poll() is None:
                running.process.terminate()
        for running in ending:
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.process.wait(running.child.grace_seconds)
            self._end_group(running.process)

    def _end_group(self, process: subprocess.Popen[bytes]) -> None:
        """Kill what is left of a group, its leader or what the leader left behind."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._tell(f"-{process.pid}")


def _how(status: int) -> str:
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"
