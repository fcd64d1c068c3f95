"""Copying files between stores: streamed, proved against the manifest, resumable.

Memory is one buffer of 2 MiB a thread, whatever the files. A file is visible at the target only
when it is whole and proved. Short files are spread over the threads; so are the parts of a long
one. After a crash a second run skips the files that are there, and the parts that are.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from core.errors import FairmeshError, StoreRefused, StoreUnavailable
from movement.engine.ahead import ShortRow, is_short, looks_ahead
from movement.engine.large import LargeCopy
from movement.engine.outcome import (
    CopyItem,
    CopyOutcome,
    CopyState,
    CopySummary,
    Route,
    Watch,
)
from movement.engine.single import copy_whole, copy_within, is_large, is_present, named, persist
from movement.engine.spans import CopyStopped, Lane
from movement.stores.protocol import Store

_STORE_ERRORS = (StoreUnavailable, StoreRefused)
"""These concern every file: the whole run ends and the caller waits for the store."""
_WATCH_NOTHING = Watch()

__all__ = [
    "CopyItem",
    "CopyOutcome",
    "CopyState",
    "CopySummary",
    "Watch",
    "copy_file",
    "copy_files",
]


def copy_file(
    source: Store,
    target: Store,
    item: CopyItem,
    *,
    threads: int = 1,
    watch: Watch = _WATCH_NOTHING,
) -> CopyOutcome:
    """Copy one file and return its outcome: COPIED, PRESENT or STOPPED.

    Raises IntegrityBroken (the source is not what the manifest says; nothing is left at the
    target), DigestMismatch (the target refused the bytes three times), ObjectMissing (the source
    has no such object), StoreUnavailable or StoreRefused.
    """
    outcomes: list[CopyOutcome] = []

    def on_file(outcome: CopyOutcome) -> None:
        outcomes.append(outcome)
        watch.on_file(outcome)

    followed = replace(watch, on_file=on_file)
    copy_files(source, target, [item], threads=threads, watch=followed)
    if not outcomes:
        return CopyOutcome(item, CopyState.STOPPED)
    if (error := outcomes[0].error) is not None:
        raise error
    return outcomes[0]


def copy_files(
    source: Store,
    target: Store,
    items: Iterable[CopyItem],
    *,
    threads: int = 8,
    watch: Watch = _WATCH_NOTHING,
) -> CopySummary:
    """Copy files over `threads`, reporting each to `watch.on_file`; `items` is taken as it goes.

    A bad or missing source file is one FAILED outcome and the rest goes on. A store that is down
    or refuses us ends the run and is raised: StoreUnavailable, StoreRefused. When asked to stop,
    the run ends at the next piece; what was stored is found again by the next run.
    """
    run = _Run(Route(source, target), iter(items), watch)
    with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="copy") as pool:
        futures = [pool.submit(run.work) for _ in range(threads)]
    for future in futures:
        future.result()
    run.stop_unfinished()
    if run.error is not None:
        raise run.error
    return run.summary


_Task = Callable[[Lane], None]


class _Run:
    """The state that the threads of one run share."""

    def __init__(self, route: Route, items: Iterator[CopyItem], watch: Watch) -> None:
        self._route = route
        self._items = items
        self._watch = watch
        self._looks_ahead = looks_ahead(route)
        self._changed = threading.Condition()
        self._reports = threading.Lock()
        self._ready: deque[_Task] = deque()
        self._opening = 0
        self._in_a_row = False
        """One thread has the short files; what else the list holds it leaves to the others."""
        self._jobs: set[_LargeJob] = set()
        self._halted = False
        self.error: FairmeshError | None = None
        self.summary = CopySummary()

    def work(self) -> None:
        """Carry out tasks until none is left; parts come before new files."""
        lane = Lane(self._count, self._should_stop, pace=self._watch.pace)
        finished = False
        try:
            while task := self._next():
                task(lane)
            finished = True
        finally:
            if not finished:
                self._halt()

    def _next(self) -> _Task | None:
        with self._changed:
            while not self._should_stop():
                if self._ready:
                    return self._ready.popleft()
                if not self._in_a_row:
                    item = next(self._items, None)
                    if item is not None:
                        return self._task_for(item)
                    if not self._opening:
                        return None
                self._changed.wait(0.5)
            return None

    def _task_for(self, item: CopyItem) -> _Task:
        if self._looks_ahead and is_short(item):
            self._in_a_row = True
            return lambda lane: self._copy_row(item, lane)
        if not is_large(item.entry):
            return lambda lane: self._copy_whole(item, lane)
        self._opening += 1
        return lambda lane: self._open_large(item, lane)

    def _should_stop(self) -> bool:
        return self._halted or self._watch.should_stop()

    def _halt(self) -> None:
        with self._changed:
            self._halted = True
            self._changed.notify_all()

    def _count(self, count: int) -> None:
        with self._reports:
            self._watch.on_bytes(count)

    def report(self, outcome: CopyOutcome) -> None:
        with self._reports:
            self.summary.add(outcome)
            self._watch.on_file(outcome)

    def failed_for_all(self, error: FairmeshError) -> bool:
        """Say whether an error concerns a whole store; if so, end the run with it."""
        if not isinstance(error, _STORE_ERRORS):
            return False
        if self.error is None:
            self.error = error
        self._halt()
        return True

    def _copy_row(self, first: CopyItem, lane: Lane) -> None:
        """Copy a short file and those that come after it, several at a time."""
        items = itertools.chain([first], iter(self._next_short, None))
        row = ShortRow(self._route, lane, self.report, lambda item: self._copy_whole(item, lane))
        try:
            row.copy(items)
        finally:
            with self._changed:
                self._in_a_row = False
                self._changed.notify_all()

    def _next_short(self) -> CopyItem | None:
        """Return the next file when it is a short one; None leaves what comes to `_next`."""
        with self._changed:
            if self._ready or self._should_stop():
                return None
            item = next(self._items, None)
            if item is None or is_short(item):
                return item
            self._ready.append(self._task_for(item))
            return None

    def _copy_whole(self, item: CopyItem, lane: Lane) -> None:
        with self._reporting(item):
            self.report(copy_whole(self._route, item, lane))

    def _open_large(self, item: CopyItem, lane: Lane) -> None:
        try:
            with self._reporting(item):
                job = _LargeJob(self._route, item)
                within = persist(lambda: copy_within(self._route, item, lane), lane)
                if within is not None:
                    self.report(within)
                    return
                tasks = job.open(lane, self)
                if not tasks:
                    self.report(CopyOutcome(item, CopyState.PRESENT))
                    return
                with self._changed:
                    self._jobs.add(job)
                    self._ready.extend(tasks)
        finally:
            with self._changed:
                self._opening -= 1
                self._changed.notify_all()

    @contextlib.contextmanager
    def _reporting(self, item: CopyItem) -> Iterator[None]:
        """Turn what ends one file into its outcome."""
        try:
            yield
        except CopyStopped:
            self.report(CopyOutcome(item, CopyState.STOPPED))
        except FairmeshError as error:
            told = named(error, item, self._route)
            self.failed_for_all(told)
            self.report(CopyOutcome(item, CopyState.FAILED, error=told))

    def large_ended(self, job: _LargeJob, outcome: CopyOutcome) -> None:
        with self._changed:
            self._jobs.discard(job)
        self.report(outcome)

    def stop_unfinished(self) -> None:
        """Report the long files whose last parts were never taken up."""
        for job in tuple(self._jobs):
            job.end(self, CopyState.STOPPED)


class _LargeJob:
    """One long file within a run: its parts are tasks, its outcome is reported once."""

    def __init__(self, route: Route, item: CopyItem) -> None:
        self._route = route
        self._item = item
        self._copy = LargeCopy(route, item)
        self._lock = threading.Lock()
        self._ended = False
        self._doomed = False
        self._active = 0

    def open(self, lane: Lane, run: _Run) -> list[_Task]:
        """Return a task a part; none when the file is at the target already."""
        item = self._item
        if not item.replace and persist(lambda: is_present(self._route.target, item), lane):
            return []
        numbers = persist(self._copy.begin, lane)
        return [self._task(number, run) for number in numbers]

    def _task(self, number: int, run: _Run) -> _Task:
        return lambda lane: self._send(number, run, lane)

    def _send(self, number: int, run: _Run, lane: Lane) -> None:
        with self._lock:
            if self._ended:
                return
            self._active += 1
        try:
            if persist(lambda: self._copy.send(number, lane), lane):
                self.end(run, persist(self._copy.complete, lane))
        except CopyStopped:
            self.end(run, CopyState.STOPPED)
        except FairmeshError as error:
            told = named(error, self._item, self._route)
            if self.end(run, CopyState.FAILED, told):
                self._doomed = not run.failed_for_all(told)
        finally:
            self._leave()

    def _leave(self) -> None:
        """Drop a doomed upload once no thread sends to it any more."""
        with self._lock:
            self._active -= 1
            last = self._doomed and not self._active
        if last:
            self._copy.abandon()

    def end(self, run: _Run, state: CopyState, error: FairmeshError | None = None) -> bool:
        """Report the outcome unless one was reported; say whether this call did."""
        with self._lock:
            if self._ended:
                return False
            self._ended = True
        copy = self._copy
        outcome = CopyOutcome(
            self._item,
            state,
            copy.bytes_sent,
            copy.bytes_kept,
            copy.parts_sent,
            copy.parts_kept,
            error,
        )
        run.large_ended(self, outcome)
        return True
