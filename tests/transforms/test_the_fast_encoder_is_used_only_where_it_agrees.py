"""The gate lets the fast encoder in only where its ids are the reference's on this input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from tests.transforms.bench import Bench
from transforms.engine.encoders import (
    Encoded,
    Encoder,
    FastEngine,
    ReferenceEncoder,
    TokenizerFile,
)

STEPS = [{"tokenise": {"column": "text", "tokenizer": "deepseek"}}]
ODD = "z\u0301"


@dataclass
class _Almost:
    """The reference, but for documents that hold one odd character."""

    reference: Encoder
    wrong_on: str
    name: str = "almost"

    def encode(self, texts: Sequence[str]) -> Encoded:
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
