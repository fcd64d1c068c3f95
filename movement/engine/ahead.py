"""Short files in a row: the next ones are asked for while the last ones' answers are awaited.

One thread so keeps two servers at work, as several threads would that wait for each other's turn
of the interpreter. This way is for what goes well: a file that meets any trouble is left to the
ordinary way, which tries again and says what is wrong.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from core.errors import FairmeshError
from movement.engine.outcome import CopyItem, CopyOutcome, CopyState, Route
from movement.engine.single import copied, facts_of, proved_body
from movement.engine.spans import CopyStopped, Lane, check_entry
from movement.stores.protocol import Asked, AskedPut, LooksAhead

SHORT_BYTES = 65_536
"""A longer body may not fit the sockets' buffers, and would be waited for all the same."""
DEPTH = 16
"""Files of one thread that are asked for, and that are sent and not yet answered, at most."""


def looks_ahead(route: Route) -> bool:
    """Say whether the stores of a route take requests before earlier ones are answered."""
    both = isinstance(route.source, LooksAhead) and isinstance(route.target, LooksAhead)
    return both and not route.is_within


def is_short(item: CopyItem) -> bool:
    """Say whether a file goes in a row: short, and not to be looked for first."""
    return item.entry.bytes <= SHORT_BYTES and not item.look


class ShortRow:
    """The files of one thread that are on their way."""

    def __init__(
        self,
        route: Route,
        lane: Lane,
        report: Callable[[CopyOutcome], None],
        otherwise: Callable[[CopyItem], None],
    ) -> None:
        """`otherwise` copies a file that met trouble, and reports it."""
        assert isinstance(route.source, LooksAhead)
        assert isinstance(route.target, LooksAhead)
        self._source, self._target = route.source, route.target
        self._lane = lane
        self._report = report
        self._otherwise = otherwise
        self._asked: deque[tuple[CopyItem, Asked]] = deque()
        self._sent: deque[tuple[CopyItem, AskedPut]] = deque()

    def copy(self, items: Iterator[CopyItem]) -> None:
        """Copy the files, each reported once; asked to stop, finish those that were asked for."""
        try:
            while self._ask(items):
                self._pass_on()
                if len(self._sent) > DEPTH:
                    self._finish()
            while self._sent:
                self._finish()
        finally:
            for _, asked in self._asked:
                asked.drop()
            for _, sent in self._sent:
                sent.drop()

    def _ask(self, items: Iterator[CopyItem]) -> bool:
        """Ask for files as far ahead as may be; say whether any is on its way."""
        while len(self._asked) < DEPTH and (item := next(items, None)) is not None:
            try:
                check_entry(item.entry)
                self._lane.wait_for(item.entry.bytes)
                self._asked.append((item, self._source.ask(item.source_key)))
            except CopyStopped:
                self._report(CopyOutcome(item, CopyState.STOPPED))
            except FairmeshError:
                self._otherwise(item)
        return bool(self._asked)

    def _pass_on(self) -> None:
        """Take the oldest file that was asked for, prove it and send it."""
        item, asked = self._asked.popleft()
        try:
            with asked.open() as reader:
                body = proved_body(reader, item.entry, self._lane)
            put = self._target.ask_put(
                item.target_key, body, facts_of(item), if_absent=not item.replace
            )
            self._sent.append((item, put))
        except FairmeshError:
            self._otherwise(item)

    def _finish(self) -> None:
        """Take the answer for the oldest file that was sent."""
        item, put = self._sent.popleft()
        try:
            put.finish()
        except FairmeshError:
            self._otherwise(item)
        else:
            self._lane.on_bytes(item.entry.bytes)
            self._report(copied(item))
