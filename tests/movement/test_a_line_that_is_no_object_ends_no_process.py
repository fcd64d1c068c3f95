"""`null` for an object, or one nested without end: pyarrow's reader would end the process."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.env import REPOSITORY
from core.errors import Invalid
from movement.engine import json_lines as module
from movement.engine.inspect import MEDIA_TYPES, UNKNOWN, inspect
from movement.engine.json_lines import ObjectLines, is_too_deep, require_objects
from movement.engine.tables import Kind, Source, open_table
from transforms.engine.scanning import LINES, blocks_of
from transforms.engine.sources import MemorySource

READERS = """
import io, sys
import pyarrow as pa
from core.errors import Invalid
from movement.engine.inspect import inspect
from movement.engine.tables import Kind, Source, open_table
from transforms.engine.scanning import LINES, blocks_of
from transforms.engine.sources import MemorySource
from transforms.engine.reading.jsonl import JsonLines
from transforms.engine.reading.records import read_piece
from transforms.engine.scanning import blocks_of
from transforms.engine.sources import MemorySource

data = sys.stdin.buffer.read()
print(inspect("application/jsonl", len(data), lambda: io.BytesIO(data)).rows)
read = read_piece(JsonLines(pa.schema([("n", pa.int64())])), "a.jsonl", 0, data)
print(read.batch.column(0).to_pylist(), [bad.raw.decode() for bad in read.bad])
print(sum(block.rows for block in blocks_of("a.jsonl", MemorySource(data))))
source = Source("a.jsonl", lambda: io.BytesIO(data), lambda: io.BytesIO(data))
try:
    table = open_table(Kind("jsonl"), source)
    print(sum(batch.num_rows for batch in table.batches(["n"])))
except Invalid as error:
    print("refused")
"""


@pytest.mark.parametrize(
    ("lines", "rows", "bad"),
    [
        (["null", '{"n": 1}'], [1], ["null"]),
        (['{"n": 1}', "null", '{"n": 2}'], [1, 2], ["null"]),
        (["", " \tnull", '{"n": 1}'], [1], [" \tnull"]),
        (['null{"n": 3}', '{"n": 1}'], [1], ['null{"n": 3}']),
    ],
)
def test_every_reader_goes_on_and_makes_no_row_of_it(
    lines: list[str], rows: list[int], bad: list[str]
) -> None:
    assert _told(lines) == ["None", f"{rows} {bad}", str(len(lines)), "refused"]


def _told(lines: list[str]) -> list[str]:
    """Return what each reader makes of the lines, in a process that may end of it."""
    ran = subprocess.run(
        [sys.executable, "-c", READERS],
        cwd=REPOSITORY,
        env={"PYTHONPATH": str(REPOSITORY)},
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


@pytest.mark.parametrize("opening", ["[", '{"a":'])
@pytest.mark.parametrize(("depth", "shown"), [(5_000, "2"), (1_000_000, "refused")])
def test_what_is_nested_without_end_ends_no_reader(opening: str, depth: int, shown: str) -> None:
    closing = "]" if opening == "[" else "}"
    deep = '{"u": ' + opening * depth + "1" + closing * depth + "}"
    assert _told([deep, '{"n": 1}']) == ["None", "[None, 1] []", "2", shown]


NESTED = st.recursive(
    st.sampled_from([0, None, "[[", '"{', "]]}", "\\", "é"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from('a["{'), inner),
    max_leaves=9,
)


def _depth(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return isinstance(value, (list, dict)) + max(map(_depth, inner), default=0)


@settings(max_examples=300, deadline=None)
@given(st.lists(NESTED.map(lambda value: {"x": value}), min_size=1), st.integers(1, 4))
def test_depth_is_that_of_python(rows: list[object], most: int) -> None:
    lines = [json.dumps(row).encode() for row in rows]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "MOST_DEPTH", most)
        assert [is_too_deep(line) for line in lines] == [_depth(row) > most for row in rows]
        if max(map(_depth, rows)) > most:
            with pytest.raises(pa.ArrowInvalid, match="nested"):
                require_objects(b"\n".join(lines))
        else:
            require_objects(b"\n".join(lines))


PIECES = st.sampled_from(
    ["{}", '{"a": [null]}', "null", "[1]", " ", "\t", "\r", "\n", "\n", "\ufeff"]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES).map("".join), st.integers(1, 9))
def test_lines_are_let_through_where_each_begins_with_a_brace(text: str, at_once: int) -> None:
    data = text.encode()
    lines = data.removeprefix("\ufeff".encode()).split(b"\n")
    good = all(not line.strip(b" \t\r") or line.strip(b" \t\r").startswith(b"{") for line in lines)
    stream = ObjectLines(io.BytesIO(data))
    first = stream.read(3) if good else b""
    if not good:
        with pytest.raises(pa.ArrowInvalid, match="no JSON object"):
            require_objects(data)
        return
    require_objects(data)
    rest = iter(lambda: stream.read(at_once), b"")
    assert b"".join([first, *rest]) == data


def test_a_parquet_file_whose_footer_is_damaged_tells_nothing() -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"n": [1]}), sink)
    whole = sink.getvalue().to_pybytes()
    length = int.from_bytes(whole[-8:-4], "little")
    data = whole[: -8 - length] + b"\xff" * length + whole[-8:]
    opened = lambda: io.BytesIO(data)  # noqa: E731 - it is asked for twice
    assert inspect(MEDIA_TYPES[".parquet"], len(data), opened) == UNKNOWN
    with pytest.raises(Invalid, match="cannot be read as a table"):
        open_table(Kind("parquet"), Source("a.parquet", opened, opened))


def test_a_line_that_is_too_deep_for_python_tells_nothing_of_the_columns() -> None:
    data = b"[" * 100_000 + b"\n" + json.dumps({"n": 1}).encode()
    source = Source("a.jsonl", lambda: io.BytesIO(data), lambda: io.BytesIO(data))
    assert open_table(Kind("jsonl"), source).schema.names == ["n"]


def test_a_text_that_is_none_is_refused_before_its_batch_is_given() -> None:
    data = b'{"text": "good"}\n{"text": "\xff"}\n'
    source = Source("a.jsonl", lambda: io.BytesIO(data), lambda: io.BytesIO(data))
    with pytest.raises(Invalid, match="cannot be read as a table"):
        list(open_table(Kind("jsonl"), source).batches(["text"]))


def test_a_scan_looks_into_rows_whose_columns_have_no_names() -> None:
    data = b'{"text": "good", "\xff": "bad"}\n'
    blocks = list(blocks_of("a.jsonl", MemorySource(data)))
    assert [name for block in blocks for name, _ in block.columns] == [LINES]
