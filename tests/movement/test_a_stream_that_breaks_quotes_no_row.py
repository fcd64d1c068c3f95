"""Rows that fail on their way out: the web server, which logs what it is given, gets no value."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

import pyarrow as pa
import pytest

from core.errors import FairmeshError, PolicyDenied
from movement.api.rows import _told
from movement.engine.frames import json_lines


def test_what_nobody_foresaw_is_told_by_its_type() -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"n": [1]})
        who = "anna@example.org"
        raise ValueError(who)

    told = _told(json_lines(batches()))
    assert next(told) == b'{"n": 1}\n'
    assert next(told) == b"!! cut off: Something failed on our side.\n"
    with pytest.raises(FairmeshError, match="ended by ValueError") as caught:
        next(told)
    assert "anna" not in "".join(traceback.format_exception(caught.value))


def test_what_we_say_ourselves_stays_as_it_is() -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"n": [1]})
        raise PolicyDenied("What you may read has changed.")

    with pytest.raises(PolicyDenied, match="has changed"):
        list(_told(json_lines(batches())))
