"""Lengths, languages, duplicates, fill and cost are what counting by hand gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.services import issue_token
from tests.transforms.mesh import Mesh, drive, lines
from transforms.engine.counting import language_counts, length_counts
from transforms.engine.spec import read_spec
from transforms.engine.statistics import statistics

DOCUMENT: dict[str, Any] = {
    "version": 1,
    "inputs": [{"name": "/a/~/b"}],
    "steps": [
        {"dedup_exact": {"columns": ["text"]}},
        {"tokenise": {"column": "text", "tokenizer": "t"}},
        {"pack": {"length": 8}},
    ],
    "output": {"name": "/a/~/c"},
}


@given(st.lists(st.integers(0, 10_000)))
def test_lengths_fall_under_the_power_of_two_that_holds_them(lengths: list[int]) -> None:
    counted = length_counts(np.array(lengths, np.int64))
    for upto in (1 << at for at in range(15)):
        expected = sum((upto // 2 < length or upto == 1) and length <= upto for length in lengths)
        assert counted.get(f"length_upto_{upto}", 0) == expected
    assert sum(counted.values()) == len(lengths)


def test_languages_are_counted_without_those_that_have_no_text() -> None:
    assert language_counts(["en", None, "de", "en"]) == {"language_en": 2, "language_de": 1}


def test_shares_rates_and_prices() -> None:
    report = {
        "rows_in": 20,
        "bytes_in": 6_000_000,
        "dropped": {"duplicate": 4, "near_duplicate": 1, "too_short": 5},
        "counts": {
            "tokens": 30,
            "packed_tokens": 40,
            "packed_rows": 6,
            "length_upto_16": 1,
            "length_upto_4": 7,
            "language_de": 2,
            "language_en": 9,
            "language_fr": 2,
        },
        "seconds": {"read": 2.0, "tokenise": 4.0, "write": 0.0},
    }
    found = statistics(read_spec(DOCUMENT), report, 36.0)
    assert (found.tokens, found.core_seconds) == (30, 6.0)
    assert found.lengths == ((4, 7), (16, 1))
    assert found.languages == (("en", 9), ("de", 2), ("fr", 2))
    assert found.duplicates == 5 / 20
    assert found.pack_fill == 40 / 48
    assert found.steps == (("read", 2.0, 3.0), ("tokenise", 4.0, 1.5), ("write", 0.0, None))
    assert found.cost == pytest.approx(0.06)
    assert found.cost_per_million_tokens == pytest.approx(2000.0)
    unpriced = statistics(read_spec(DOCUMENT), report, None)
    assert (unpriced.cost, unpriced.cost_per_million_tokens) == (None, None)


def test_a_run_tells_them_when_it_is_done(mesh: Mesh, client: Any) -> None:
    mesh.publish({"a.jsonl": lines([{"text": "The cat sat on the mat."}] * 3)})
    steps: list[dict[str, Any]] = [
        {"dedup_exact": {"columns": ["text"]}},
        {"language": {"column": "text"}},
    ]
    run = mesh.start(mesh.pipeline(steps))
    _, secret = issue_token(mesh.users["ana"], mesh.ana, title="t", days=1, scopes=None)
    ask = {"headers": {"Authorization": f"Bearer {secret}"}}
    assert client.get(f"/api/v1/runs/{run.pk}", **ask).json()["statistics"] is None
    drive(run)
    told = client.get(f"/api/v1/runs/{run.pk}", **ask).json()["statistics"]
    assert told["languages"] == [{"language": "en", "documents": 1}]
    assert told["duplicates"] == pytest.approx(2 / 3)
    assert (told["tokens"], told["pack_fill"], told["cost"]) == (None, None, None)
    assert {each["step"] for each in told["steps"]} >= {"read", "language", "write"}
