"""What is logged of a failure: where it was and of which type, and no word that may quote a row."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from logging.config import DictConfigurator
from typing import Any

import pyarrow as pa
import pytest
from django.conf import settings
from django.db import OperationalError

from core.errors import Invalid

SECRET = "anna@example.org"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Give what the handler of the settings would write."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter())
    logger = logging.getLogger("tests.discreet")
    logger.addHandler(handler)
    yield stream
    logger.removeHandler(handler)


def _formatter() -> logging.Formatter:
    """Return the formatter that the platform's handler has, made as the settings say."""
    told: Any = settings.LOGGING
    (handler,) = told["root"]["handlers"]
    formatter = told["formatters"][told["handlers"][handler]["formatter"]]
    made = DictConfigurator({"version": 1}).configure_formatter(dict(formatter))
    assert isinstance(made, logging.Formatter)
    return made


def logged(log: io.StringIO, act: Callable[[], object]) -> str:
    try:
        act()
    except Exception:
        logging.getLogger("tests.discreet").exception("a run failed")
    return log.getvalue()


def of_arrow() -> None:
    pa.array([SECRET]).cast(pa.int64())


def chained() -> None:
    try:
        of_arrow()
    except pa.ArrowInvalid as error:
        raise ValueError(f"bad e-mail {SECRET}") from error


def in_the_meantime() -> None:
    try:
        of_arrow()
    except pa.ArrowInvalid:
        {}[SECRET]  # type: ignore[index]  # it is to fail


def together() -> None:
    raise ExceptionGroup(SECRET, [ValueError(SECRET), TypeError(SECRET)])


def noted() -> None:
    error = ValueError(SECRET)
    error.add_note(SECRET)
    raise error


def unclear_program() -> None:
    compile(f"'{SECRET}", "module.py", "exec")


@pytest.mark.parametrize(
    "act", [of_arrow, chained, in_the_meantime, together, noted, unclear_program]
)
def test_the_words_of_what_was_raised_stay_out(log: io.StringIO, act: Callable[[], None]) -> None:
    text = logged(log, act)
    assert "anna" not in text
    assert f"in {act.__name__}" in text
    assert "test_a_log_quotes_no_data.py" in text


def test_each_exception_of_a_chain_is_told_with_its_place(log: io.StringIO) -> None:
    text = logged(log, chained)
    first, second = text.index("pyarrow.lib.ArrowInvalid"), text.rindex("ValueError")
    assert text.index("in of_arrow") < first < text.index("in chained", first) < second


def test_what_another_handler_wrote_before_is_not_taken_over(log: io.StringIO) -> None:
    logger = logging.getLogger("tests.discreet")
    plain = logging.StreamHandler(io.StringIO())
    logger.handlers.insert(0, plain)
    try:
        assert "anna" not in logged(log, chained)
        assert "anna" in plain.stream.getvalue()
    finally:
        logger.removeHandler(plain)


def test_words_that_quote_no_data_stay(log: io.StringIO) -> None:
    def missing() -> None:
        open("/nowhere/at-all")  # noqa: SIM115 - it is to fail

    def away() -> None:
        raise OperationalError("database is locked")

    def ours() -> None:
        raise Invalid("The file is damaged.")

    assert "No such file or directory" in logged(log, missing)
    assert "database is locked" in logged(log, away)
    assert "core.errors.Invalid: The file is damaged." in logged(log, ours)
