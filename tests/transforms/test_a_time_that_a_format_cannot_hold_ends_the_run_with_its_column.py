"""Dates and times far away: written as they are, or refused by the name of their column."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from core.errors import Invalid
from tests.transforms.written import files_in, write
from transforms.engine.output import OutputFormat

FAR, FARTHER = 10**12, 10**17
"""Seconds: some 33,000 years, which Arrow spells, and so many that milliseconds overflow."""


def table(seconds: int) -> pa.Table:
    times = cast("Any", pa.array([0, seconds, None], pa.int64())).view(pa.timestamp("s"))
    return pa.table({"n": [1, 2, 3], "at": times})


@pytest.mark.parametrize("chosen", ["parquet", "csv", "jsonl", "mds", "webdataset"])
def test_it_is_refused_by_the_name_of_its_column(chosen: OutputFormat, tmp_path: Path) -> None:
    rows = table(FARTHER)
    if chosen == "webdataset":
        rows = rows.append_column("key", pa.array(["a", "b", "c"]))
    if chosen == "mds":
        rows = rows.slice(0, 2)
    with pytest.raises(Invalid) as caught:
        write(tmp_path, chosen, rows)
    assert "years 1 to 9999" in caught.value.detail or "'at' lies beyond" in caught.value.detail
    assert "'n'" not in caught.value.detail
    assert str(FARTHER) not in caught.value.detail
    assert caught.value.__cause__ is None
    assert files_in(tmp_path) == {}


def test_a_zone_that_nobody_knows_is_told(tmp_path: Path) -> None:
    rows = pa.table({"at": pa.array([0], pa.timestamp("s", "Nowhere/AtAll"))})
    with pytest.raises(Invalid, match=r"time zone of timestamp.*is not known"):
        write(tmp_path, "jsonl", rows)


def test_what_a_format_spells_is_written(tmp_path: Path) -> None:
    write(tmp_path, "csv", table(7 * 10**11))
    told = pacsv.read_csv(tmp_path / "part-00000.csv")["at"].cast(pa.string()).to_pylist()
    assert told == ["1970-01-01 00:00:00", "24152-02-12 20:26:40", ""]
    write(tmp_path, "parquet", table(FAR))
    kept = pq.read_table(tmp_path / "part-00000.parquet")["at"].cast(pa.timestamp("s"))
    assert kept.cast(pa.int64()).to_pylist() == [0, FAR, None]
