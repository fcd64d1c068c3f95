"""JSON lines without a schema: a line unlike all others is set aside, and mixed ones are told."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidSpec
from tests.transforms.bench import Bench
from transforms.engine.reading import jsonl

GOOD = [{"n": number, "text": f"row {number}", "at": "2024-01-31"} for number in range(20)]
STEPS = [{"select": {"columns": ["n", "text"]}}]
BAD = [
    b"{broken",
    b"null",
    b"[1]",
    b"// a comment",
    b'{"n": 1, "n": 2}',
    b'{"text": "\\ud800"}',
    b'{"text": "\xff"}',
    b'{"n": 1e999}',
    b'{"n": "a word"}',
    b'{"n": true}',
    b'{"n": [1]}',
    b'{"n": {"a": 1}}',
    b'{"text": [1, "x"]}',
]


@pytest.mark.parametrize("place", [0, 7, 20])
@pytest.mark.parametrize("bad", BAD)
def test_it_is_set_aside_wherever_it_stands(bench: Bench, bad: bytes, place: int) -> None:
    bench.write_rows("a.jsonl", GOOD)
    lines = bench.open_input("a.jsonl").path.read_bytes().splitlines()
    lines.insert(place, bad)
    bench.write("a.jsonl", b"\n".join(lines))
    planned = bench.plan(STEPS)
    assert [str(kind) for kind in planned.schemas[-1].types] == ["int64", "string"]
    report = bench.run(planned)
    assert bench.rows(report) == [{"n": row["n"], "text": row["text"]} for row in GOOD]
    (quarantined,) = bench.bad_rows(report)
    assert quarantined["raw"] == bad


def test_types_that_change_from_line_to_line_are_told(bench: Bench) -> None:
    bench.write_rows("a.jsonl", [{"n": number if number % 3 else "x"} for number in range(12)])
    with pytest.raises(InvalidSpec, match=r"/n.*declare them") as caught:
        bench.plan([{"select": {"columns": ["n"]}}])
    assert caught.value.extra["errors"][0]["where"] == "inputs[0].schema"


def test_of_two_lines_none_is_the_odd_one(bench: Bench) -> None:
    bench.write_rows("a.jsonl", [{"n": 1}, {"n": "x"}])
    with pytest.raises(InvalidSpec, match="declare them"):
        bench.plan([{"select": {"columns": ["n"]}}])


def test_lines_of_which_none_can_be_read_are_told(bench: Bench) -> None:
    bench.write("a.jsonl", b'{"n": 1, "n": 2}\n' * 3)
    with pytest.raises(InvalidSpec, match="twice"):
        bench.plan([{"select": {"columns": ["n"]}}])


def test_files_of_other_types_are_told(bench: Bench) -> None:
    bench.write_rows("a.jsonl", [{"n": 1}])
    bench.write_rows("b.jsonl", [{"n": "x"}])
    with pytest.raises(InvalidSpec, match=r"'?n'? has incompatible types.*declare them"):
        bench.plan([{"select": {"columns": ["n"]}}])


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ['{"n": 1}', '{"n": null}', '{"n": 0.5}', "{}", '{"n": 2, "t": "a"}', '{"u": null}']
        ),
        max_size=60,
    ),
    st.sampled_from(BAD),
    st.integers(0, 60),
)
def test_the_columns_are_those_without_it(lines: list[str], bad: bytes, place: int) -> None:
    good = [line.encode() for line in ['{"n": 1}'] * 3 + lines + ['{"n": 1}'] * 3]
    alone = jsonl.infer(b"\n".join(good))
    good.insert(place, bad)
    found = jsonl.infer(b"\n".join(good))
    assert {name: found.field(name).type for name in alone.names} == {
        field.name: field.type for field in alone
    }
