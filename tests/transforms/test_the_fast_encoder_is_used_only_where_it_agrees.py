"""The gate lets a fast encoder in only where its ids are the reference's on this input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.bench import Bench
from transforms.engine.encoders import (
    AUDIT_EVERY,
    Encoded,
    Encoder,
    Encoders,
    FastEngine,
    Resolver,
    TokenizerFile,
    Verdict,
    reference_of,
)
from transforms.engine.gate import excerpt

STEPS = [{"tokenise": {"column": "text", "tokenizer": "deepseek"}}]
ODD = "z\u0301"


@dataclass
class _Almost:
    """The reference, but for documents that hold `wrong_on`; it counts what it is given."""

    reference: Encoder
    wrong_on: str = ODD
    fails: bool = False
    characters: int = 0

    def encode(self, texts: Sequence[str]) -> Encoded:
        self.characters += sum(len(text) for text in texts)
        if self.fails and any(self.wrong_on in text for text in texts):
            raise ValueError(self.wrong_on)
        found = self.reference.encode(texts)
        ids = found.ids.copy()
        for position, text in enumerate(texts):
            if self.wrong_on in text:
                ids[found.offsets[position]] += 1
        return Encoded(ids, found.offsets)


def _almost(
    made: list[_Almost], wrong_on: str = ODD, name: str = "almost 1", *, fails: bool = False
) -> FastEngine:
    def build(file: TokenizerFile) -> Encoder:
        made.append(_Almost(reference_of(file, "text"), wrong_on, fails))
        return made[-1]

    return FastEngine(name, build)


def _blind(file: TokenizerFile) -> Encoder:
    raise ValueError("This one reads no tokenizer.")


def test_a_fast_encoder_that_agrees_does_the_work(bench: Bench) -> None:
    bench.write_rows("a.jsonl", [{"text": f"row {number}"} for number in range(50)])
    report = bench.run(bench.plan(STEPS), fast_engines=[_almost([])])
    assert report.verdicts["deepseek"].fast
    assert report.verdicts["deepseek"].sampled == 50


@pytest.mark.parametrize("length", [1, 5_000])
def test_one_that_differs_is_refused_and_the_ids_are_the_references(
    bench: Bench, length: int
) -> None:
    text = (ODD + " word") * length
    bench.write_rows("a.jsonl", [{"text": f"{text} {number}"} for number in range(30)])
    plan = bench.plan(STEPS)
    report = bench.run(plan, fast_engines=[_almost([])])
    assert not report.verdicts["deepseek"].fast
    assert report.verdicts["deepseek"].differing == 30
    right = bench.run(plan, "reference", fast_engines=[])
    assert bench.rows(report) == bench.rows(right, "reference")


def test_the_gate_gives_the_reference_a_bounded_share_of_long_documents(
    bench: Bench,
) -> None:
    rows = [{"text": f"{number} " + "word " * 20_000} for number in range(40)]
    bench.write_rows("a.jsonl", rows)
    made: list[_Almost] = []
    report = bench.run(bench.plan(STEPS), fast_engines=[_almost(made)])
    whole = sum(len(str(row["text"])) for row in rows)
    judged = made[0].characters - whole  # the run itself encodes everything once
    assert report.verdicts["deepseek"].sampled == 40
    assert judged == 38 * 2048 + 2 * 65_536


def test_where_the_fastest_differs_the_next_does_the_work(bench: Bench) -> None:
    bench.write_rows("a.jsonl", [{"text": f"{ODD} {number}"} for number in range(50)])
    made: list[_Almost] = []
    unasked: list[_Almost] = []
    engines = [
        FastEngine("blind 1", _blind),
        _almost([]),
        _almost([], fails=True, name="failing 1"),
        _almost(made, "nothing has this", "right 1"),
        _almost(unasked, "nor this", "slow 1"),
    ]
    plan = bench.plan(STEPS)
    report = bench.run(plan, fast_engines=engines)
    assert report.verdicts["deepseek"].engine == "right 1"
    assert made[0].characters == 2 * sum(len(f"{ODD} {number}") for number in range(50))
    assert unasked == []
    right = bench.run(plan, "reference", fast_engines=[])
    assert bench.rows(report) == bench.rows(right, "reference")


def test_where_none_agrees_the_verdict_names_them_all(bench: Bench) -> None:
    bench.write_rows("a.jsonl", [{"text": f"{ODD} {number}"} for number in range(50)])
    engines = [_almost([]), _almost([], "1", "nearly 1")]
    verdict = bench.run(bench.plan(STEPS), fast_engines=engines).verdicts["deepseek"]
    assert not verdict.fast
    assert verdict.differing == sum("1" in str(number) for number in range(50))
    assert verdict.reason == "almost 1 and nearly 1 differ from the reference"


@pytest.mark.parametrize("fails", [False, True])
def test_a_shard_that_finds_a_difference_later_is_the_references(bench: Bench, fails: bool) -> None:
    """The odd document is one that the gate does not sample and the audit does."""
    rows = [{"text": f"row {number}"} for number in range(3 * AUDIT_EVERY)]
    rows[2 * AUDIT_EVERY] = {"text": f"{ODD} of {2 * AUDIT_EVERY}"}
    bench.write_rows("a.jsonl", rows)
    plan = bench.plan(STEPS)
    made: list[_Almost] = []
    report = bench.run(plan, fast_engines=[_almost(made, f"{ODD} of", fails=fails)])
    verdict = report.verdicts["deepseek"]
    assert verdict.sampled == 1000
    assert made[0].characters > sum(len(str(row["text"])) for row in rows)
    assert (verdict.fast, verdict.engine) == (False, "reference")
    assert verdict.reason.startswith("audit: ")
    right = bench.run(plan, "reference", fast_engines=[])
    assert bench.rows(report) == bench.rows(right, "reference")


@pytest.mark.parametrize(("judged", "fast"), [("almost 1", True), ("almost 2", False)])
def test_an_engine_in_another_version_than_was_judged_is_not_used(
    resolver: Resolver, judged: str, fast: bool
) -> None:
    verdicts = {"deepseek": Verdict(judged, True, 1000, 0, "equal")}
    encoders = Encoders(resolver, [_almost([])], verdicts)
    tokenizer = encoders.load("deepseek", "text")
    assert (encoders.fast("deepseek", tokenizer) is not None) is fast


@pytest.fixture(scope="module")
def installed(resolver: Resolver) -> Encoders:
    """Loaded, so that no example is slow."""
    encoders = Encoders(resolver)
    for name in ("anthropic", "deepseek"):
        list(encoders.load(name, "text").fast())
    return encoders


@pytest.mark.parametrize(
    ("tokenizer", "engines"), [("anthropic", {"splintr"}), ("deepseek", {"fastokens", "splintr"})]
)
@given(texts=st.lists(st.text(max_size=60), max_size=20))
def test_the_engines_that_are_installed_agree_on_any_text(
    installed: Encoders, tokenizer: str, engines: set[str], texts: list[str]
) -> None:
    loaded = installed.load(tokenizer, "text")
    expected = loaded.reference.encode(texts)
    found = {name.split()[0]: encoder.encode(texts) for name, encoder in loaded.fast()}
    assert set(found) == engines
    assert all(each.equals(expected) for each in found.values())


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
