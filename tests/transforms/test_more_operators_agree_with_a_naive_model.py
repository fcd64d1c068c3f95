"""More operators against a few lines of plain Python, on documents that hypothesis makes up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from tests.transforms.barriers import passed
from tests.transforms.operator_examples import MODULE, PROSE
from tests.transforms.pictures import file_of, gradient, images, pixels_of
from tests.transforms.quality_model import judged
from tests.transforms.steps import applied, no_tokenizer, texts
from transforms.engine.encoders import Encoders
from transforms.engine.operators.base import Running
from transforms.engine.operators.dedup_exact import DedupExact
from transforms.engine.operators.image_resize import ImageResize
from transforms.engine.operators.image_size import ImageSize
from transforms.engine.operators.language import Language
from transforms.engine.operators.python import Python
from transforms.engine.operators.quality import Quality, RuleSet
from transforms.engine.operators.redact import Redact

QUICK = settings(max_examples=60, deadline=None)
SCHEMA = pa.schema([("n", pa.int64()), ("a", pa.string()), ("b", pa.int32())])  # type: ignore[arg-type]
KEYS = st.tuples(st.none() | st.sampled_from(["", "x", "y"]), st.none() | st.integers(0, 2))


@QUICK
@given(
    st.lists(st.lists(KEYS, max_size=6), min_size=1, max_size=4),
    st.sampled_from([("a",), ("b",), ("a", "b")]),
    st.integers(1, 5),
)
def test_dedup_exact_keeps_the_first_of_each_key(
    shards: list[list[tuple[str | None, int | None]]], columns: tuple[str, ...], partitions: int
) -> None:
    numbers = iter(range(1000))
    rows: list[list[dict[str, object]]] = [
        [{"n": next(numbers), "a": a, "b": b} for a, b in shard] for shard in shards
    ]
    batches = [[pa.RecordBatch.from_pylist(shard, SCHEMA)] for shard in rows]
    found = passed(DedupExact(columns), batches, partitions)
    firsts: dict[tuple[object, ...], dict[str, object]] = {}
    for row in (row for shard in rows for row in shard):
        firsts.setdefault(tuple(row[column] for column in columns), row)
    assert found.rows == list(firsts.values())
    gone = sum(map(len, rows)) - len(firsts)
    assert found.dropped == ({"duplicate": gone} if gone else {})


SHAPES = [(1, 1), (7, 5), (40, 30), (30, 40)]
PICTURES = {
    (*shape, encoding): file_of(gradient(*shape), encoding)
    for shape in SHAPES
    for encoding in ("png", "jpeg", "bmp", "gif")
}


@QUICK
@given(st.lists(st.none() | st.sampled_from(sorted(PICTURES)), max_size=8))
def test_image_size(shapes: list[tuple[int, int, str] | None]) -> None:
    files = [b"no image" if shape is None else PICTURES[shape] for shape in shapes]
    made = applied(ImageSize(), images(*files)).batch
    found = zip(*(made[name].to_pylist() for name in ("width", "height", "format")), strict=True)
    assert list(found) == [(None, None, None) if shape is None else shape for shape in shapes]


@QUICK
@given(st.lists(st.none() | st.sampled_from(sorted(PICTURES)), max_size=8), st.integers(1, 50))
def test_image_resize(shapes: list[tuple[int, int, str] | None], longest: int) -> None:
    files = [b"no image" if shape is None else PICTURES[shape] for shape in shapes]
    made = applied(ImageResize(longest=longest, encoding="png"), images(*files))
    sizes = [pixels_of(data).shape[1::-1] for data in made.batch["bytes"].to_pylist() if data]
    stay = [(n, shape[:2]) for n, shape in enumerate(shapes) if shape is not None]
    assert made.batch["n"].to_pylist() == [n for n, _ in stay]
    for size, (_, before) in zip(sizes, stay, strict=True):
        share = min(longest / max(before), 1)
        assert size == tuple(max(round(side * share), 1) for side in before)
    gone = shapes.count(None)
    assert made.dropped() == ({"not_an_image": gone} if gone else {})


@cache
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


WORDS = ["the rules", "apply", "from", "die Regeln", "gelten", "ab", "règles", "правила", "規則は"]
SPOKEN = st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join) | st.text(max_size=6)


@QUICK
@given(
    st.lists(st.none() | SPOKEN, max_size=6),
    st.sampled_from([(), ("en",), ("de", "und")]),
    st.sampled_from([0.0, 0.5, 0.9]),
    st.integers(1, 30),
)
def test_language(
    values: list[str | None], keep: tuple[str, ...], least: float, characters: int
) -> None:
    def told(text: str | None) -> tuple[str | None, float | None]:
        if text is None:
            return None, None
        code, confidence = _identifier().classify(text[:characters])
        return code if round(confidence, 3) >= least else "und", round(confidence, 3)

    made = applied(Language("text", keep, least, characters), texts(*values))
    all_told = [(at, *told(text)) for at, text in enumerate(values)]
    stay = [each for each in all_told if not keep or each[1] in keep]
    columns = (made.batch[name].to_pylist() for name in made.batch.schema.names if name != "text")
    expected = [(at, code, sure and pytest.approx(sure)) for at, code, sure in stay]
    assert list(zip(*columns, strict=True)) == expected
    gone = Counter(
        f"language.{code}" if code else "null_text"
        for _, code, _ in all_told
        if keep and code not in keep
    )
    assert made.dropped() == gone


@pytest.fixture(scope="module")
def module() -> Iterator[Running]:
    """A module of the installation at work, for all examples."""
    step = Python("mine", ("text", "n"), {"words": "string"}, True, ("odd",), code=MODULE)
    running = step.start(Encoders(no_tokenizer))
    yield running
    running.finish()


@QUICK
@given(values=st.lists(st.none() | st.text(max_size=4), max_size=8), first=st.integers(0, 9))
def test_python(module: Running, values: list[str | None], first: int) -> None:
    made = module.apply(texts(*values, first=first))
    whole = [
        {"n": n, "text": text, "words": None if text is None else f"{text}-{n}"}
        for n, text in enumerate(values, first)
    ]
    stay = [row for row in whole if row["text"] is None or (len(row["text"]) + row["n"]) % 2 == 0]  # type: ignore[operator, arg-type]
    assert made.batch.to_pylist() == stay
    gone = len(whole) - len(stay)
    assert made.dropped() == ({"mine.odd": gone} if gone else {})


LINES = [
    *PROSE.splitlines(), "and more words that have to be with it", "Menu", "- one of the things",
    "It goes on and on ...", "# # #", "a b c d e", "12 34 56 78", "Is it {so}?", "Yes.", "",
    "Lorem ipsum is here.", "We use cookies on this page.", "It needs JavaScript to be seen.",
    "He said [12] that it is.", "antidisestablishmentarianism counterrevolutionaries.", "\u2022 x",
]  # fmt: skip
PART = st.tuples(
    st.sampled_from(LINES), st.sampled_from([1, 1, 1, 2, 5]), st.sampled_from(["\n", " ", "\n\n"])
)
DOCUMENTS = (st.lists(PART, max_size=5) | st.lists(PART, min_size=12, max_size=24)).map(
    lambda parts: "".join(f"{line}{end}" * times for line, times, end in parts)
)
RULES: list[RuleSet] = ["gopher", "gopher_repetition", "c4", "fineweb"]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.none() | DOCUMENTS, max_size=3),
    st.lists(st.sampled_from(RULES), min_size=1, max_size=4, unique=True),
)
def test_quality(values: list[str | None], rules: Sequence[RuleSet]) -> None:
    made = applied(Quality("text", tuple(rules), punctuation="attached"), texts(*values))
    fates = [judged(text, rules) for text in values]
    assert made.dropped() == Counter(reason for reason, _ in fates if reason)
    assert made.batch["text"].to_pylist() == [text for reason, text in fates if reason is None]


VALUES = {
    "ann.oneil+x@mail.example.org": "<email>",
    "DE89 3704 0044 0532 0130 00": "<iban>",
    "4111 1111 1111 1111": "<card>",
    "078-05-1120": "<ssn>",
    "+49 30 901820": "<phone>",
    "203.0.113.77": "<ip>",
    "AKIAIOSFODNN7ABCDEFG": "<aws-key>",
    "glpat-" + "x" * 26: "<gitlab-token>",
}
PLAIN = ["words", "ünd", "v1.2.3", "a@b", "12", "\n"]


@QUICK
@given(st.lists(st.none() | st.lists(st.sampled_from([*VALUES, *PLAIN]), max_size=6), max_size=5))
def test_redact(rows: list[list[str] | None]) -> None:
    said = [None if parts is None else " , ".join(parts) for parts in rows]
    left = [None if parts is None else " , ".join(VALUES.get(each, each) for each in parts)
            for parts in rows]  # fmt: skip
    made = applied(Redact("text"), texts(*said))
    assert made.batch["text"].to_pylist() == left
    hits = sum(each in VALUES for parts in rows for each in parts or [])
    assert sum(made.counts.values()) == hits
