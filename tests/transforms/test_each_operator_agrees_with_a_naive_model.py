"""Every operator against a few lines of plain Python, on documents that hypothesis makes up."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Callable
from typing import Literal

import pyarrow as pa
import pytest
import tokenizers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transforms.engine.arrow import Column
from transforms.engine.encoders import Encoders, TokenizerFile
from transforms.engine.operators.base import Operator
from transforms.engine.operators.dedup_exact import DedupExact
from transforms.engine.operators.filter import Filter, Rule
from transforms.engine.operators.normalise import Normalise
from transforms.engine.operators.pack import Pack
from transforms.engine.operators.select import Select
from transforms.engine.operators.tokenise import IDS, Tokenise
from transforms.engine.row_hashes import keyed

# Characters that Python's Unicode tables do not know yet may be known to the library.
CHARACTERS = st.characters(exclude_categories=["Cs", "Cn", "Co"])
TEXTS = st.lists(st.one_of(st.none(), st.text(CHARACTERS, max_size=30)), max_size=12)
Form = Literal["NFC", "NFD", "NFKC", "NFKD"]
FORMS: list[Form] = ["NFC", "NFD", "NFKC", "NFKD"]
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def _batch(texts: list[str | None]) -> pa.RecordBatch:
    numbers = pa.array(range(len(texts)), pa.int64())
    columns: dict[str, Column] = {"n": numbers, "text": pa.array(texts, pa.string())}
    return pa.record_batch(columns)


def _no_tokenizer(name: str) -> TokenizerFile:
    raise AssertionError(f"No step here asks for the tokenizer {name}.")


def _apply(step: Operator, batch: pa.RecordBatch) -> pa.RecordBatch:
    made = step.start(Encoders(_no_tokenizer)).apply(batch).batch
    assert made.schema.equals(step.output_schema(batch.schema))
    made.validate(full=True)
    return made


@QUICK
@given(TEXTS, st.sampled_from(FORMS), st.booleans())
def test_normalise(texts: list[str | None], form: Form, trim: bool) -> None:
    def model(text: str | None) -> str | None:
        made = None if text is None else unicodedata.normalize(form, text)
        return made.strip() if made is not None and trim else made

    # White space differs between the libraries at four control characters.
    texts = [text and re.sub("[\x1c-\x1f\x85]", "", text) for text in texts]
    made = _apply(Normalise("text", form, trim), _batch(texts))
    assert made["text"].to_pylist() == [model(text) for text in texts]


RULES: dict[str, tuple[object, Callable[[str], bool]]] = {
    "min_chars": (5, lambda text: len(text) >= 5),
    "max_chars": (5, lambda text: len(text) <= 5),
    "min_words": (2, lambda text: len(text.split()) >= 2),
    "max_words": (2, lambda text: len(text.split()) <= 2),
    "min_letter_share": (
        0.5,
        lambda text: bool(text) and sum(c.isalpha() for c in text) / len(text) >= 0.5,
    ),
    "matches": ("[a-z]", lambda text: bool(re.search("[a-z]", text))),
    "excludes": ("[a-z]", lambda text: not re.search("[a-z]", text)),
    "one_of": (("", "a"), lambda text: text in ("", "a")),
    "not_null": (True, lambda text: True),
}


@pytest.mark.parametrize("test", RULES)
@QUICK
@given(texts=TEXTS)
def test_filter_by_each_text_rule(test: str, texts: list[str | None]) -> None:
    limit, passes = RULES[test]
    step = Filter((Rule("text", **{test: limit}),))  # type: ignore[arg-type]
    applied = step.apply(_batch(texts))
    kept = [text for text in texts if text is not None and passes(text)]
    assert applied.batch["text"].to_pylist() == kept
    lost = len(texts) - len(kept)
    assert applied.dropped() == ({f"text.{test}": lost} if lost else {})


@QUICK
@given(st.lists(st.one_of(st.none(), st.integers(-5, 5)), max_size=12))
def test_filter_counts_a_row_under_the_first_rule_it_breaks(numbers: list[int | None]) -> None:
    step = Filter((Rule("n", min=-2.0, reason="low"), Rule("n", max=2.0, reason="high")))
    applied = step.apply(pa.record_batch({"n": pa.array(numbers, pa.int64())}))
    low = sum(number is None or number < -2 for number in numbers)
    high = sum(number is not None and number > 2 for number in numbers)
    expected = {"low": low, "high": high}
    assert applied.dropped() == {reason: count for reason, count in expected.items() if count}
    assert applied.batch["n"].to_pylist() == [n for n in numbers if n is not None and -2 <= n <= 2]


@QUICK
@given(TEXTS)
def test_select(texts: list[str | None]) -> None:
    made = _apply(Select(("text", "n")), _batch(texts))
    assert made.to_pylist() == [{"text": text, "n": n} for n, text in enumerate(texts)]


SHORT = st.one_of(st.none(), st.sampled_from(["", "a", "b", "ab", "\x00"]))
KEYS = st.lists(st.tuples(SHORT, st.one_of(st.none(), st.integers(0, 2))), max_size=20)


@QUICK
@given(KEYS, st.sampled_from([("a",), ("b",), ("a", "b"), ("c",), ("d", "a")]), st.integers(0, 5))
def test_dedup_keys_are_equal_exactly_where_the_columns_are(
    rows: list[tuple[str | None, int | None]], columns: tuple[str, ...], cut: int
) -> None:
    given_columns: dict[str, Column] = {
        "a": pa.array([a for a, _ in rows], pa.string()),
        "b": pa.array([b for _, b in rows], pa.int64()),
        "c": pa.array([None if b is None else b > 0 for _, b in rows], pa.bool_()),
        "d": pa.array([b for _, b in rows], pa.timestamp("us")),
    }
    batch = pa.record_batch(given_columns).slice(cut)
    DedupExact(columns).output_schema(batch.schema)
    keys = [bytes(key) for key in DedupExact(columns).hashes(batch, keyed("run"))]
    values = [tuple(row[column] for column in columns) for row in batch.to_pylist()]
    for one, key in zip(values, keys, strict=True):
        for other, other_key in zip(values, keys, strict=True):
            assert (one == other) == (key == other_key)


@pytest.fixture(scope="module")
def encoders(resolver: Callable[[str], TokenizerFile]) -> Encoders:
    return Encoders(resolver)


@pytest.fixture(scope="module")
def reference(resolver: Callable[[str], TokenizerFile]) -> tokenizers.Tokenizer:
    return tokenizers.Tokenizer.from_buffer(resolver("anthropic").data)


@QUICK
@given(texts=TEXTS, add_eos=st.booleans())
def test_tokenise(
    texts: list[str | None], add_eos: bool, encoders: Encoders, reference: tokenizers.Tokenizer
) -> None:
    step = Tokenise("text", "anthropic", add_eos=add_eos)
    applied = step.start(encoders).apply(_batch(texts))
    assert applied.batch.schema.equals(step.output_schema(_batch(texts).schema))
    applied.batch.validate(full=True)
    end = [reference.token_to_id("<EOT>")] if add_eos else []
    expected = [[*reference.encode(text).ids, *end] for text in texts if text is not None]
    assert applied.batch["input_ids"].to_pylist() == expected
    assert applied.dropped().get("null_text", 0) == texts.count(None)


DOCUMENTS = st.lists(st.lists(st.integers(1, 9), max_size=9), max_size=9)


@QUICK
@given(st.lists(DOCUMENTS, max_size=4), st.integers(1, 7))
def test_pack(batches: list[list[list[int]]], length: int) -> None:
    step = Pack(length)
    running = step.start(Encoders(_no_tokenizer))
    rows = []
    for documents in batches:
        batch = pa.record_batch([pa.array(documents, IDS)], schema=pa.schema([("input_ids", IDS)]))
        rows += running.apply(batch.slice(0)).batch.to_pylist()
    if (rest := running.finish()) is not None:
        rows += rest.batch.to_pylist()

    stream: list[int] = []
    begun: list[int] = []
    for document in (document for documents in batches for document in documents):
        if document:
            begun.append(len(stream))
        stream += document
    padded = stream + [0] * (-len(stream) % length)
    assert [row["input_ids"] for row in rows] == [
        padded[at : at + length] for at in range(0, len(padded), length)
    ]
    assert sum(row["length"] for row in rows) == len(stream)
    assert all(row["length"] == length for row in rows[:-1])
    found = [at * length + start for at, row in enumerate(rows) for start in row["doc_starts"]]
    assert found == begun


@QUICK
@given(
    st.lists(st.lists(st.lists(st.integers(1, 9), max_size=9), max_size=6), max_size=4),
    st.integers(1, 7),
)
def test_pack_best_fit(batches: list[list[list[int]]], length: int) -> None:
    """Row for row what a search of every row for the one with the least room gives."""
    step = Pack(length, method="best_fit", loss_mask=True)
    running = step.start(Encoders(_no_tokenizer))
    schema = pa.schema([("input_ids", IDS)])
    found: list[dict[str, list[int] | int]] = []
    for documents in batches:
        batch = pa.record_batch([pa.array([[0], *documents], IDS)], schema=schema).slice(1)
        found += running.apply(batch).batch.to_pylist()
    if (rest := running.finish()) is not None:
        assert rest.batch.schema.equals(step.output_schema(schema))
        found += rest.batch.to_pylist()

    whole: list[list[list[int]]] = []
    rests: list[list[int]] = []
    for document in (document for documents in batches for document in documents):
        cut = len(document) - len(document) % length
        whole += [[document[at : at + length]] for at in range(0, cut, length)]
        rests += [document[cut:]] if document[cut:] else []
    fitted: list[list[list[int]]] = []
    for piece in sorted(rests, key=len, reverse=True):
        rooms = [(length - sum(map(len, row)), row) for row in fitted]
        enough = [(room, row) for room, row in rooms if room >= len(piece)]
        if enough:
            min(enough, key=lambda each: each[0])[1].append(piece)
        else:
            fitted.append([piece])
    tokens = [sum(map(len, row)) for row in (*whole, *fitted)]
    assert [row["length"] for row in found[: len(whole)]] == tokens[: len(whole)]
    assert sorted(row["length"] for row in found) == sorted(tokens)
    pieces: list[list[int]] = []
    for row in found:
        ids, size, starts = row["input_ids"], row["length"], row["doc_starts"]
        assert isinstance(ids, list)
        assert isinstance(size, int)
        assert isinstance(starts, list)
        assert ids[size:] == [0] * (length - size)
        assert row["loss_mask"] == [at < size for at in range(length)]
        pieces += [ids[start:end] for start, end in itertools.pairwise([*starts, size])]
    assert sorted(pieces) == sorted(piece for row in (*whole, *fitted) for piece in row)
