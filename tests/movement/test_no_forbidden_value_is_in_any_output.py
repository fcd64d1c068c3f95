"""By chance: random tables, masks, row filters and wishes, in every format and on both wires.

Every cell has a word of its own, so a word that comes through tells which cell it was.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import FairmeshError
from governance.engine.conditions import All, Begins, Condition, Equals, Not, OneOf, Some
from governance.engine.masks import LAST4_FROM
from governance.engine.obligations import MaskKind, Obligations, parse_masks
from governance.engine.rewriting import Kept, Rewriting
from movement.engine import tables
from movement.engine.frames import arrow_frames, json_lines

COLUMNS = ("email", "name", "who.inner", "many", "number", "plain")
GROUPS = ("aa", "ab", "b")
KINDS = [str(kind) for kind in MaskKind if kind != "bucket"] + ["bucket:1000000"]
CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    st.one_of(
        st.booleans(),
        st.builds(Equals, st.just("group"), st.sampled_from(GROUPS)),
        st.builds(Begins, st.just("group"), st.sampled_from(["", "a", "ab"])),
        st.builds(OneOf, st.just("group"), st.frozensets(st.sampled_from(GROUPS))),
    ),
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(All, st.lists(inner, max_size=2).map(tuple)),
        st.builds(Some, st.lists(inner, max_size=2).map(tuple)),
    ),
    max_leaves=4,
)


def word(row: int, column: str) -> str:
    return f"w{row:03d}{column.replace('.', '')}"


def number(row: int) -> int:
    return 7_000_000_019 + 1_000_003 * row


@dataclass(frozen=True)
class Case:
    groups: list[str | None]
    masks: dict[str, str]
    rows: Condition
    columns: tuple[str, ...]
    format: str

    def table(self) -> pa.Table:
        ids = range(len(self.groups))
        deep = [{"inner": word(i, "who.inner"), "open": word(i, "open")} for i in ids]
        return pa.table(
            {
                "group": pa.array(self.groups, pa.string()).dictionary_encode(),
                "email": pa.array([word(i, "email") for i in ids]).dictionary_encode(),
                "name": pa.array([word(i, "name") for i in ids], pa.large_string()),
                "who": pa.array(deep, pa.struct([("inner", pa.string()), ("open", pa.string())])),
                "many": pa.array([[word(i, "many")] for i in ids], pa.list_(pa.string())),
                "number": pa.array([number(i) for i in ids], pa.int64()),
                "plain": pa.array([word(i, "plain") for i in ids], pa.string()),
            }
        ).replace_schema_metadata({"about": word(0, "email")})

    def source(self) -> tables.Source:
        made = self.table()
        if self.format == "parquet":
            sink = io.BytesIO()
            pq.write_table(made, sink, row_group_size=3)
            data = sink.getvalue()
        else:
            data = b"".join(json.dumps(row).encode() + b"\n" for row in made.to_pylist())
        return tables.Source("t", lambda: io.BytesIO(data), lambda: io.BytesIO(data))

    def hidden(self) -> set[bytes]:
        """Return every word and number that may not be told, as it would be written."""
        kept = {i for i, group in enumerate(self.groups) if holds(self.rows, group)}
        found: set[bytes] = set()
        for i in range(len(self.groups)):
            for column in [c for c in COLUMNS if i not in kept or c in self.masks]:
                if column == "number":
                    found |= {str(number(i)).encode(), number(i).to_bytes(8, "little")}
                else:
                    found.add(word(i, column).encode())
            if i not in kept:
                found.add(word(i, "open").encode())
        return found


def holds(condition: Condition, group: str | None) -> bool | None:
    if isinstance(condition, bool):
        return condition
    if isinstance(condition, Not):
        inner = holds(condition.of, group)
        return None if inner is None else not inner
    if isinstance(condition, All | Some):
        parts = [holds(part, group) for part in condition.of]
        decides = isinstance(condition, Some)
        return decides if decides in parts else None if None in parts else not decides
    if group is None:
        return None
    if isinstance(condition, Equals):
        return group == condition.value
    if isinstance(condition, Begins):
        return group.startswith(condition.prefix)
    assert isinstance(condition, OneOf)
    return group in condition.values


CASES = st.builds(
    Case,
    groups=st.lists(st.none() | st.sampled_from(GROUPS), min_size=1, max_size=9),
    masks=st.dictionaries(st.sampled_from(COLUMNS), st.sampled_from(KINDS), max_size=4),
    rows=CONDITIONS,
    columns=st.lists(st.sampled_from(["email", "who", "number", "plain"]), unique=True).map(tuple),
    format=st.sampled_from(["parquet", "jsonl"]),
)


@settings(max_examples=120, deadline=None)
@given(CASES)
def test_no_forbidden_word_comes_through(case: Case) -> None:
    masks = parse_masks("; ".join(f"{key}={mask}" for key, mask in case.masks.items()), "test")
    kept = Kept(Obligations(masks=masks, rows=case.rows), key=b"key")
    told = b""
    try:
        table = tables.open_table(tables.Kind(case.format), case.source())
        rewriting = Rewriting(table.schema, kept, case.columns)
        batches = [rewriting.apply(batch) for batch in table.batches(rewriting.read)]
    except FairmeshError as error:
        told += json.dumps(error.as_problem()).encode()
        batches = []
    else:
        told += b"".join(arrow_frames(rewriting.schema, batches))
        told += b"".join(json_lines(batches))
        for batch in batches:
            batch.validate(full=True)
    for hidden in case.hidden():
        assert hidden not in told
    assert plain_words(case) <= told_words(batches), "what may be told is told"


def plain_words(case: Case) -> set[str]:
    """Return what has to come through, where `plain` was asked for and not masked."""
    if "plain" in case.masks or (case.columns and "plain" not in case.columns):
        return set()
    if case.format == "jsonl" and set(case.groups) == {None} and case.rows is not True:
        return set()
    kept = [i for i, group in enumerate(case.groups) if holds(case.rows, group)]
    return {word(i, "plain") for i in kept}


def told_words(batches: list[Any]) -> set[str]:
    found: set[str] = set()
    for batch in batches:
        if "plain" in batch.schema.names:
            found |= {str(value) for value in batch.column("plain").to_pylist()}
    return found


def test_the_words_are_long_enough_for_what_last4_shows() -> None:
    assert all(len(word(0, column)) >= LAST4_FROM or column == "number" for column in COLUMNS)
