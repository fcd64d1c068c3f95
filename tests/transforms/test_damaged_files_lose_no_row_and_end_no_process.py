"""Whatever happens to the bytes of an input: each record is a row or set aside, or all is refused.

A few cases of each kind of file; `python -m tests.transforms.campaign` does as many as time allows.
"""

from __future__ import annotations

from random import Random

from tests.transforms.campaign import Case, Found, cases, look
from tests.transforms.damaged import FILES, damage

ONCE_FATAL: list[Case] = [
    ("a.orc", 390),
    ("zlib/a.orc", 574),
    ("a.arrow", 626),
    ("lz4/a.arrow", 1097),
    ("plain/a.parquet", 100067),
    ("snappy/a.parquet", 106257),
]
"""What ended a process, or was no refusal: names that are no text, numbers of no known width."""
CASES, OF_ORC = 25, 4
"""ORC is read in a process for each case."""


def test_each_row_is_somewhere_or_the_file_is_refused() -> None:
    found = Found()
    chosen = cases(0, CASES, OF_ORC)
    look([*ONCE_FATAL, *chosen], found)
    assert not found.faults, "\n\n".join(found.faults)
    assert found.cases == len(ONCE_FATAL) + len(chosen) == sum(found.ends.values())
    for end in (
        "a.jsonl: some set aside",
        "a.csv: some set aside",
        "plain/a.parquet: read",
        "a.tfrecord: some set aside",
        "a.mds: some set aside",
    ):
        assert found.ends[end], f"no case ended as {end}"


def test_a_mishap_changes_a_file_and_is_the_same_each_time() -> None:
    for path, whole in FILES.items():
        made = [damage(Random(seed), whole) for seed in range(50)]
        assert made == [damage(Random(seed), whole) for seed in range(50)]
        assert sum(data != whole for data in made) > 40, path
