"""The rows of each step of a run are told in the order of the document, however they were kept."""

from __future__ import annotations

from transforms.api.rendering import render_steps
from transforms.engine.spec import read_spec

STEPS = [
    {"filter": {"where": [{"column": "text", "min_chars": 3}]}},
    {"dedup_exact": {"columns": ["text"]}},
    {"filter": {"where": [{"column": "text", "max_chars": 9}]}},
]
SPEC = read_spec(
    {"version": 1, "inputs": [{"name": "/a/~/b"}], "steps": STEPS, "output": {"name": "/a/~/c"}}
)


def test_steps_stand_in_the_order_of_the_document() -> None:
    counted = {
        "steps[2].filter": {"rows_in": 5, "rows_out": 1, "dropped.text.max_chars": 4},
        "steps[1].dedup_exact": {"rows_in": 7, "rows_out": 5, "dropped.duplicate": 2},
        "steps[0].filter": {"rows_in": 7, "rows_out": 7},
    }
    assert render_steps(SPEC, counted) == [
        {"step": "steps[0].filter", "rows_in": 7, "rows_out": 7, "dropped": {}},
        {"step": "steps[1].dedup_exact", "rows_in": 7, "rows_out": 5, "dropped": {"duplicate": 2}},
        {"step": "steps[2].filter", "rows_in": 5, "rows_out": 1, "dropped": {"text.max_chars": 4}},
    ]


def test_a_step_that_no_row_reached_has_none() -> None:
    first, _, last = render_steps(SPEC, {"steps[0].filter": {"rows_in": 1, "rows_out": 0}})
    assert (first["rows_in"], first["rows_out"]) == (1, 0)
    assert last == {"step": "steps[2].filter", "rows_in": 0, "rows_out": 0, "dropped": {}}
