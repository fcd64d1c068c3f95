"""How failures are written to a log: by type and place, without the words of what was raised.

Those words may quote what was at hand: a row, the values of an SQL statement, an address with its
password. A log is read by others than those who may read these.
"""

from __future__ import annotations

import copy
import logging
import traceback
from collections.abc import Iterator
from types import TracebackType

from django.db import OperationalError

from core.errors import FairmeshError

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
_CAUSE = "the cause of what follows:"
_MEANWHILE = "while it was handled, what follows:"


class Discreet(logging.Formatter):
    """Writes tracebacks with their frames, and of each exception its type.

    The words stay where they are known to quote no data: those of our own errors, of the operating
    system and of a database that is away.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; another handler may have left the whole traceback in the record."""
        own = copy.copy(record)
        own.exc_text = None
        return super().format(own)

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 - the name in logging
        """Return the frames of an exception and of those that led to it, the first one first."""
        return "\n".join(_told(ei[1], set())) if ei[1] is not None else ""


def _told(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and id(before) not in seen:
        yield from _told(before, seen)
        yield _CAUSE if error.__cause__ else _MEANWHILE
    if error.__traceback__ is not None:
        yield "".join(traceback.format_tb(error.__traceback__)).rstrip("\n")
    yield _named(error)
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _told(each, seen)


def _named(error: BaseException) -> str:
    kind = type(error)
    name = (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )
    words = _words(error)
    return f"{name}: {words}" if words else name


def _words(error: BaseException) -> str:
    if isinstance(error, FairmeshError):
        return error.detail
    if isinstance(error, OSError):
        return error.strerror or ""
    return str(error) if isinstance(error, OperationalError) else ""
