"""Each problem of a document is told with the line and column of the text that it is about."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidSpec
from transforms.engine.marks import MOST_MARKS, Mark, marks_of
from transforms.engine.problems import join
from transforms.engine.spec import load

TEXT = """\
# what is made of the raw texts
version: 1
inputs:
- name: /acme/nlp/~/raw
  schema: {text: string, a.b: strin, "c[0]": int64}
steps:
- filter: {where: [{column: text, min_char: 20}]}
- tokenise:
    column: text
    tokeniser: deepseek
output: {name: /acme/nlp/~/clean}
"""


@pytest.mark.parametrize(
    ("path", "mark"),
    [
        ("", Mark(2, 1)),
        ("output.name", Mark(11, 10)),
        ("inputs[0]", Mark(4, 3)),
        ("inputs[0].name", Mark(4, 3)),
        ("inputs[0].schema.a.b", Mark(5, 26)),
        ("inputs[0].schema.c[0]", Mark(5, 38)),
        ("steps[0].filter.where[0].min_char", Mark(7, 35)),
        ("steps[1].tokenise.tokeniser", Mark(10, 5)),
        ("steps[1].tokenise.tokenizer", Mark(8, 3)),
        ("steps[1].tokenise.column.deep[3]", Mark(9, 5)),
        ("steps[7].pack", Mark(6, 1)),
        ("split", Mark(2, 1)),
    ],
)
def test_a_path_is_found_or_what_it_would_belong_to(path: str, mark: Mark) -> None:
    assert marks_of(TEXT, [path]) == [mark]


def test_the_problems_of_a_real_document_stand_in_their_lines() -> None:
    with pytest.raises(InvalidSpec) as caught:
        load(TEXT)
    paths = [each["where"] for each in caught.value.extra["errors"]]
    lines = {
        path: mark.line for path, mark in zip(paths, marks_of(TEXT, paths), strict=True) if mark
    }
    assert lines["inputs[0].schema.a.b"] == 5
    assert lines["steps[0].filter.where[0].min_char"] == 7
    assert lines["steps[1].tokenise.tokeniser"] == 10


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("version: 1\ninputs: [\n\n", Mark(2, 10)),
        ("version: 1\n  inputs: 3\n", Mark(2, 9)),
        ("a: 1\n\tb: 2\n", Mark(2, 1)),
        ("a: *nothing\n", Mark(1, 4)),
        ("", None),
        ("\x00", None),
        ("[" * 5000, None),
    ],
)
def test_a_text_that_is_no_yaml_is_marked_where_reading_stopped(
    text: str, mark: Mark | None
) -> None:
    assert marks_of(text, ["", "steps[0]"]) == [mark, mark]


KEYS = st.text(st.sampled_from("ab.[0]"), min_size=1, max_size=4)
TREES = st.recursive(
    st.integers(0, 9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


def paths_of(tree: object, prefix: str = "") -> list[tuple[str, object]]:
    """Return every path of a value as problems write it, with what stands there."""
    found = [(prefix, tree)]
    if isinstance(tree, dict):
        found += [
            each for key, inner in tree.items() for each in paths_of(inner, join(prefix, key))
        ]
    if isinstance(tree, list):
        for at, inner in enumerate(tree):
            found += paths_of(inner, f"{prefix}[{at}]")
    return found


@given(TREES, st.booleans())
def test_every_path_leads_into_the_text(tree: object, flow: bool) -> None:
    text = json.dumps(tree) if flow else yaml.safe_dump(tree)
    paths = [path for path, _ in paths_of(tree)][:MOST_MARKS]
    lines = text.splitlines()
    for mark in marks_of(text, paths):
        assert mark is not None
        assert 1 <= mark.line <= len(lines)
        assert mark.column <= len(lines[mark.line - 1])


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(0, 9), min_size=1))
def test_each_key_of_a_mapping_has_a_line_of_its_own(members: dict[str, int]) -> None:
    text = yaml.safe_dump({"outer": members}, sort_keys=False)
    marks = marks_of(text, [f"outer.{name}" for name in members])
    assert marks == [Mark(line, 3) for line in range(2, len(members) + 2)]


def test_only_a_line_feed_ends_a_line() -> None:
    assert marks_of('a: "x\u2028y"\nb: 1\n', ["b"]) == [Mark(2, 1)]


def test_however_many_problems_there_are_some_are_found() -> None:
    marks = marks_of("a: 1\n", ["a"] * (MOST_MARKS + 5))
    assert marks == [Mark(1, 1)] * MOST_MARKS + [None] * 5
