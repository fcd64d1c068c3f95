"""`fairmesh search-index` answers out of a folder, without a mesh."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.client.conftest import Result
from tests.transforms.bench import Bench
from transforms.engine.encoders import TokenizerFile

Run = Callable[..., Result]


def _none(name: str) -> TokenizerFile:
    raise AssertionError(f"{name} is not asked for")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as `get` leaves it: 50 points on a line, each with a text and a day."""
    bench = Bench(tmp_path, _none)
    rows: list[dict[str, Any]] = [
        {"text": f"point {n}", "day": f"2026-01-{n % 28 + 1:02}", "embedding": [n, 2 * n + 0.5]}
        for n in range(50)
    ]
    bench.write_rows("a.jsonl", rows)
    steps = [{"cast": {"columns": {"day": "date"}}}]
    bench.run(bench.plan(steps, 1500, output={"index": {"metric": "l2sq"}}))
    return tmp_path / "run" / "output"


def asked(tmp_path: Path, query: object) -> str:
    path = tmp_path / "query.json"
    path.write_text(query if isinstance(query, str) else json.dumps(query))
    return str(path)


def test_rows_come_the_nearest_first(run: Run, folder: Path, tmp_path: Path) -> None:
    query = asked(tmp_path, [[7.1, 14.7], [40.2, 80.9]])
    found = run("search-index", str(folder), "--query-file", query, "--count", "2", "--json").json
    assert [(each["query"], each["values"]["text"]) for each in found] == [
        (0, "point 7"), (0, "point 8"), (1, "point 40"), (1, "point 41"),
    ]  # fmt: skip
    assert found[0]["distance"] == pytest.approx(0.05, abs=1e-5)
    assert found[0]["values"] == {"text": "point 7", "day": "2026-01-08"}
    assert found[0]["part"].startswith("part-0000")


def test_a_person_sees_a_table_of_the_columns_asked_for(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    query = asked(tmp_path, [30, 60.5])
    shown = run("search-index", str(folder), "--query-file", query, "--column", "text")
    assert shown.code == 0
    assert "point 30" in shown.out
    assert "2026" not in shown.out


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("{", "not JSON"),
        ({"a": 1}, "holds no vector"),
        ([], "holds no vector"),
        ([True, 1], "holds no vector"),
        ([[1, 2], 3], "holds no vector"),
        ([1, 2, 3], "A query is 2 numbers"),
    ],
)
def test_what_is_no_query_is_refused(
    run: Run, folder: Path, tmp_path: Path, query: object, told: str
) -> None:
    refused = run("search-index", str(folder), "--query-file", asked(tmp_path, query))
    assert refused.code == 2
    assert told in refused.err


def test_a_folder_without_an_index_is_refused(run: Run, tmp_path: Path) -> None:
    query = asked(tmp_path, [1.0])
    refused = run("search-index", str(tmp_path), "--query-file", query, "--json")
    assert refused.code == 2
    assert "vectors.json" in refused.json["error"]["detail"]
