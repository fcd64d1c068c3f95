"""Unknown operators, parameters and columns are named with their place and the likely word."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from core.errors import InvalidSpec
from tests.transforms.bench import Bench
from transforms.engine.marks import marks_of
from transforms.engine.operators.language import Language
from transforms.engine.spec import load, read_spec

TEXT = [{"normalise": {"column": "text"}}]


def _errors(call: Callable[[], object]) -> list[dict[str, str | None]]:
    with pytest.raises(InvalidSpec) as caught:
        call()
    assert caught.value.code == "invalid_spec"
    errors: list[dict[str, str | None]] = caught.value.extra["errors"]
    return errors


@pytest.mark.parametrize(
    ("steps", "where", "suggestion"),
    [
        ([{"normalize": {"column": "text"}}], "steps[0].normalize", "normalise"),
        ([*TEXT, {"tokenise": {"colum": "t"}}], "steps[1].tokenise.colum", "column"),
        ([{"normalise": {"column": "t", "form": "NFCC"}}], "steps[0].normalise.form", "NFC"),
        ([{"normalise": {"column": 3}}], "steps[0].normalise.column", None),
        ([{"pack": {"length": True}}], "steps[0].pack.length", None),
        ([{"pack": {"length": 0}}], "steps[0].pack.length", None),
        ([{"select": {"columns": []}}], "steps[0].select.columns", None),
        (
            [{"filter": {"where": [{"column": "t", "min_char": 3}]}}],
            "steps[0].filter.where[0].min_char",
            "min_chars",
        ),
        (
            [{"filter": {"where": [{"column": "t", "min_chars": 3, "max_chars": 4}]}}],
            "steps[0].filter.where[0]",
            None,
        ),
        ([{"pack": {}, "select": {}}], "steps[0]", None),
        ([], "steps", None),
    ],
)
def test_a_document_that_breaks_the_schema(
    bench: Bench, steps: list[dict[str, object]], where: str, suggestion: str | None
) -> None:
    errors = _errors(lambda: read_spec(bench.document(steps)))
    assert (where, suggestion) in [(each["where"], each["suggestion"]) for each in errors]


@pytest.mark.parametrize(
    ("steps", "where", "suggestion"),
    [
        ([{"normalise": {"column": "txt"}}], "steps[0].normalise.column", "text"),
        (
            [{"select": {"columns": ["n"]}}, {"normalise": {"column": "text"}}],
            "steps[1].normalise.column",
            None,
        ),
        ([{"normalise": {"column": "n"}}], "steps[0].normalise.column", None),
        ([{"select": {"columns": ["n", "tex"]}}], "steps[0].select.columns[1]", "text"),
        ([{"dedup_exact": {"columns": ["texts"]}}], "steps[0].dedup_exact.columns[0]", "text"),
        ([{"pack": {}}], "steps[0].pack.column", None),
        (
            [{"tokenise": {"column": "text", "tokenizer": "anthropic", "eos": "<EOTT>"}}],
            "steps[0].tokenise.eos",
            "<EOT>",
        ),
        (
            [{"filter": {"where": [{"column": "text", "matches": "("}]}}],
            "steps[0].filter.where[0].matches",
            None,
        ),
        (
            [{"filter": {"where": [{"column": "text", "min": 3}]}}],
            "steps[0].filter.where[0].column",
            None,
        ),
        (
            [
                {"tokenise": {"column": "text", "tokenizer": "anthropic"}},
                {"pack": {}},
                {"dedup_exact": {"columns": ["length"]}},
            ],
            "steps[2].dedup_exact",
            None,
        ),
    ],
)
def test_a_step_that_this_input_cannot_feed(
    bench: Bench, steps: list[dict[str, object]], where: str, suggestion: str | None
) -> None:
    bench.write_rows("a.jsonl", [{"n": 1, "text": "one"}])
    errors = _errors(lambda: bench.plan(steps))
    assert (where, suggestion) in [(each["where"], each["suggestion"]) for each in errors]
    assert not bench.files()


def test_all_problems_are_told_at_once(bench: Bench) -> None:
    document = bench.document([{"pakc": {}}, {"pack": {"lenght": 1}}])
    document["inputs"] = [{"name": "no name", "vers": 1}]
    errors = _errors(lambda: read_spec(document))
    assert {each["where"] for each in errors} == {
        "inputs[0].name",
        "inputs[0].vers",
        "steps[0].pakc",
        "steps[1].pack.lenght",
    }


def test_text_that_is_not_yaml_is_refused() -> None:
    assert _errors(lambda: load("a: [b"))


def test_no_file_matches(bench: Bench) -> None:
    bench.write_rows("a.jsonl", [{"text": "one"}])
    (error,) = _errors(lambda: bench.plan(TEXT, files="*.csv"))
    assert error["where"] == "inputs[0].files"


def test_columns_of_mixed_types_want_a_declared_schema(bench: Bench) -> None:
    bench.write_rows("a.jsonl", [{"text": "one"}, {"text": 1}])
    (error,) = _errors(lambda: bench.plan(TEXT))
    assert error["where"] == "inputs[0].schema"
    assert bench.run(bench.plan(TEXT, schema={"text": "string"})).quarantined == 1


@pytest.mark.parametrize("text", ["[" * 9999, "a: " + "9" * 9999, "a: !!timestamp 2020-13-45"])
def test_a_text_that_python_cannot_read_is_no_yaml(text: str) -> None:
    (error,) = _errors(lambda: load(text))
    assert str(error["message"]).startswith("The text is not YAML")


WRITTEN = """\
version: 1
inputs: [{name: /acme/nlp/~/code, alias: no, mark: {seen: 2020-01-02}}]
steps:
  - language: {column: text, keep: [no, on]}
output: {name: /acme/nlp/~/texts}
"""


def test_words_and_dates_are_what_they_are_written_as() -> None:
    spec = load(WRITTEN.replace("on]", "en]"))
    (step,) = spec.steps
    assert isinstance(step, Language)
    assert step.keep == ("no", "en")
    assert (spec.input.alias, spec.input.mark) == ("no", {"seen": "2020-01-02"})


@pytest.mark.parametrize(
    ("text", "told", "line"),
    [
        (WRITTEN + "version: 1\n", "the key 'version' stands twice", 6),
        (WRITTEN.replace("{name: /acme/nlp/~/texts}", "*other"), "quote a text that begins", 5),
        (WRITTEN.replace("steps:", "steps: a: b"), "mapping values are not allowed", 3),
    ],
)
def test_what_yaml_leaves_open_is_refused_at_its_line(text: str, told: str, line: int) -> None:
    (error,) = _errors(lambda: load(text))
    assert told in str(error["message"])
    assert "unicode string" not in str(error["message"])
    (mark,) = marks_of(text, [""])
    assert mark is not None
    assert mark.line == line


def test_aliases_that_multiply_cost_nothing() -> None:
    rows = [f"{chr(98 + n)}: &{chr(98 + n)} [{f'*{chr(97 + n)},' * 9}]" for n in range(20)]
    text = "\n".join(["a: &a [x]", *rows, WRITTEN.replace("version: 1", "version: *u")])
    began = time.process_time()
    (error,) = _errors(lambda: load(text))
    assert "an alias is not used here" in str(error["message"])
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("member", "where"),
    [
        ({"steps": [{"normalise": {"column": "\ud800"}}]}, "steps[0].normalise.column"),
        ({"steps": [{"derive": {"columns": {"\udfff": "1"}}}]}, "steps[0].derive.columns"),
        ({"split": {"parts": {"train\n": 1.0}}}, "split.parts.train\n"),
    ],
)
def test_a_name_that_no_file_can_have_is_refused(member: dict[str, object], where: str) -> None:
    document = {"inputs": [{"name": "/a/~/in"}], "steps": TEXT, "output": {"name": "/a/~/out"}}
    errors = _errors(lambda: read_spec({"version": 1, **document, **member}))
    assert [error["where"] for error in errors] == [where]
