"""What the demonstration publishes comes from installed packages and does not vary."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from demo import corpus, data


def test_the_tables_are_many_described_and_of_several_domains(tmp_path: Path) -> None:
    tables = data.tables(tmp_path / "tables")
    assert len(tables) >= 50
    assert len({table.name for table in tables}) == len(tables)
    assert len({table.domain for table in tables}) >= 3
    for table in tables:
        assert table.title
        assert len(table.description) > 100, table.name
        assert [path.stat().st_size > 0 for path in Path(table.folder).iterdir()] == [True]
    assert f"/acme/health/~/{data.PATIENTS}" in {table.name for table in tables}


def test_the_corpus_is_the_same_each_time_and_its_broken_lines_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus, "TOTAL_BYTES", 3_000_000)
    first, again = corpus.corpus(tmp_path / "a"), corpus.corpus(tmp_path / "b")
    names = sorted(path.name for path in first.folder.iterdir())
    assert len(names) == corpus.PARTS
    broken = 0
    for name in names:
        raw = (first.folder / name).read_bytes()
        assert raw == (again.folder / name).read_bytes()
        for line in raw.splitlines():
            try:
                assert set(json.loads(line)) == {"path", "package", "licence", "text"}
            except ValueError:
                broken += 1
    assert broken == first.broken > 0
