"""The gate lets the fast encoder in only where its ids are the reference's on this input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.bench import Bench
from transforms.engine.encoders import (
    Encoded,
    Encoder,
    FastEngine,
    ReferenceEncoder,
    TokenizerFile,
)
from transforms.engine.gate import excerpt

STEPS = [{"tokenise": {"column": "text", "tokenizer": "deepseek"}}]
ODD = "z\u0301"


@dataclass
class _Almost:
    """The reference, but for documents that hold one odd character; it counts what it is given."""

    reference: Encoder
    wrong_on: str
    name: str = "almost"
    characters: int = 0

    def encode(self, texts: Sequence[str]) -> Encoded:
        self.characters += sum(len(text) for text in texts)
        found = self.reference.encode(texts)
        ids = found.ids.copy()
        for position, text in enumerate(texts):
            if self.wrong_on in text:
                ids[found.offsets[position]] += 1
        return Encoded(ids, found.offsets)


def _almost(made: list[_Almost], wrong_on: str = ODD) -> FastEngine:
    def build(file: TokenizerFile) -> Encoder:
        made.append(_Almost(ReferenceEncoder(file, "text"), wrong_on))
        return made[-1]

    return build


def test_a_fast_encoder_that_agrees_does_the_work(bench: Bench) -> None:
    bench.write_rows("a.jsonl", [{"text": f"row {number}"} for number in range(50)])
    report = bench.run(bench.plan(STEPS), fast_engine=_almost([]))
    assert report.verdicts["deepseek"].fast
    assert report.verdicts["deepseek"].sampled == 50


@pytest.mark.parametrize("length", [1, 5_000])
def test_one_that_differs_is_refused_and_the_ids_are_the_references(
    bench: Bench, length: int
) -> None:
    text = (ODD + " word") * length
    bench.write_rows("a.jsonl", [{"text": f"{text} {number}"} for number in range(30)])
    plan = bench.plan(STEPS)
    report = bench.run(plan, fast_engine=_almost([]))
    assert not report.verdicts["deepseek"].fast
    assert report.verdicts["deepseek"].differing == 30
    right = bench.run(plan, "reference", fast_engine=None)
    assert bench.rows(report) == bench.rows(right, "reference")


def test_the_gate_gives_the_reference_a_bounded_share_of_long_documents(
    bench: Bench,
) -> None:
    rows = [{"text": f"{number} " + "word " * 20_000} for number in range(40)]
    bench.write_rows("a.jsonl", rows)
    made: list[_Almost] = []
    report = bench.run(bench.plan(STEPS), fast_engine=_almost(made))
    whole = sum(len(str(row["text"])) for row in rows)
    judged = made[0].characters - whole  # the run itself encodes everything once
    assert report.verdicts["deepseek"].sampled == 40
    assert judged == 38 * 2048 + 2 * 65_536


@given(st.integers(0, 140_000), st.integers(0, 2_000))
def test_an_excerpt_is_a_part_of_its_document(length: int, order: int) -> None:
    text = ("a line of text\n" * (length // 15 + 1))[:length]
    found = excerpt(text, order)
    assert found in text
    assert len(found) == min(len(text), 2048 if order % 20 else 65_536)


def test_excerpts_come_from_all_over_their_documents() -> None:
    text = "".join(chr(0x4E00 + number) for number in range(12_048))
    starts = np.array([text.index(excerpt(text, order)) for order in range(1, 1000) if order % 20])
    counted, _ = np.histogram(starts, bins=10, range=(0, 10_000))
    assert counted.min() > 0.8 * counted.max()
