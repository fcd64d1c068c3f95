"""The gate samples the documents that reach `tokenise`, and does no step a second time for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, cast

import pytest

from tests.transforms.bench import Bench
from transforms.engine.encoders import (
    Encoded,
    Encoder,
    Encoders,
    FastEngine,
    Specials,
    TokenizerFile,
    Verdict,
    reference_of,
)
from transforms.engine.gate import pass_gate
from transforms.engine.plan import Plan
from transforms.engine.run_local import run
from transforms.engine.sources import OpenInput, RangedFile

TOKENISE = {"tokenise": {"column": "text", "tokenizer": "deepseek"}}
SHARD_BYTES = 8192
"""More than any file here holds, and less than two that `write_unit` wrote."""
DEDUP = {"dedup_exact": {"columns": ["text"]}}


@dataclass
class Seen:
    """The reference, remembering each document that it was given."""

    reference: Encoder
    texts: list[str] = field(default_factory=list)

    def encode(self, texts: Sequence[str]) -> Encoded:
        self.texts += texts
        return self.reference.encode(texts)


@dataclass
class Counting:
    """Counts how many bytes of each input file were read."""

    opened: OpenInput
    read: Counter[str] = field(default_factory=Counter)

    def __call__(self, path: str) -> Any:
        return _Counted(self.opened(path), path, self.read)


@dataclass
class _Counted:
    source: Any
    path: str
    read: Counter[str]

    @property
    def size(self) -> int:
        return int(self.source.size)

    def read_range(self, offset: int, length: int) -> bytes:
        data = bytes(self.source.read_range(offset, length))
        self.read[self.path] += len(data)
        return data

    def open(self) -> BinaryIO:
        return cast("BinaryIO", RangedFile(self))


def write_unit(bench: Bench, number: int, rows: int) -> None:
    """Write a file of so many texts that is a shard by itself."""
    rest = "x" * (6000 // rows - 16)
    texts = [f"{number} {at} {rest}" for at in range(rows)]
    name = f"{number:02d}.jsonl"
    bench.write_rows(name, [{"text": text} for text in texts])
    assert SHARD_BYTES // 2 < bench.open_input(name).size < SHARD_BYTES


def judged(bench: Bench, planned: Plan, stage: int) -> tuple[Verdict, list[str], Counter[str]]:
    """Pass the gate of a stage whose units wait; return what it found, was given, and read."""
    seen: list[Seen] = []

    def build(file: TokenizerFile) -> Encoder:
        seen.append(Seen(reference_of(file, "text")))
        return seen[-1]

    counting = Counting(bench.open_input)
    workspace = replace(bench.workspace(), open_input=counting)
    encoders = Encoders(bench.resolver, [FastEngine("seen 1", build)])
    verdicts = pass_gate(planned, stage, workspace, encoders).verdicts
    return verdicts["deepseek"], [text for each in seen for text in each.texts], counting.read


def test_behind_a_barrier_it_reads_no_input_and_sees_what_the_barrier_left(bench: Bench) -> None:
    for number in range(3):
        rows = [{"text": f"row {at}"} for at in range(number * 10, number * 10 + 20)]
        bench.write_rows(f"{number}.jsonl", rows)
    short = {"filter": {"where": [{"column": "text", "excludes": "^row (0|39)$"}]}}
    planned = bench.plan([short, DEDUP, TOKENISE])
    bench.run(planned)
    verdict, texts, read = judged(bench, planned, 1)
    assert sorted(texts) == sorted(f"row {at}" for at in range(1, 39))
    assert (verdict.fast, verdict.sampled) == (True, 38)
    assert read == {}


def test_a_stage_that_tokenises_nothing_is_not_judged(bench: Bench) -> None:
    bench.write_rows("a.jsonl", [{"text": "a row"}])
    planned = bench.plan([DEDUP, TOKENISE])
    counting = Counting(bench.open_input)
    workspace = replace(bench.workspace(), open_input=counting)
    assert pass_gate(planned, 0, workspace, Encoders(bench.resolver)).verdicts == {}
    assert counting.read == {}


@pytest.mark.parametrize("shards", [1, 3, 20])
def test_where_few_documents_are_kept_all_are_judged_and_no_row_is_read_twice(
    bench: Bench, shards: int
) -> None:
    """A gate that began again when its sample was too small would read the input twice."""
    for number in range(shards):
        rows = [{"text": f"{number} {at}", "part": at % 5} for at in range(100)]
        bench.write_rows(f"{number:02d}.jsonl", rows)
    kept = {"filter": {"where": [{"column": "part", "max": 0}]}}
    planned = bench.plan([kept, TOKENISE], SHARD_BYTES, schema={"text": "string", "part": "int64"})
    verdict, texts, read = judged(bench, planned, 0)
    assert sorted(texts) == sorted(f"{n} {at}" for n in range(shards) for at in range(0, 100, 5))
    assert verdict.sampled == 20 * shards
    sizes = {path.name: path.stat().st_size for path in (bench.root / "input").iterdir()}
    assert read == sizes


def test_where_there_are_many_they_come_from_eight_units_in_equal_shares(bench: Bench) -> None:
    for number in range(20):
        write_unit(bench, number, 300)
    verdict, texts, _ = judged(bench, bench.plan([TOKENISE], shard_bytes=SHARD_BYTES), 0)
    assert verdict.sampled == len(set(texts)) == 1000
    assert set(Counter(text.split()[0] for text in texts).values()) == {125}
    places = [int(text.split()[1]) for text in texts]
    assert (min(places), max(places)) == (0, 299)


def test_what_the_encoders_are_not_given_takes_no_place_in_the_sample(bench: Bench) -> None:
    """A join may leave most texts null, and one that spells a special token out is not compared."""
    special = next(iter(Specials.of(bench.resolver("deepseek")).special))
    for number in range(8):
        rows = [
            {"text": (None, f"{special} {at}", f"{number} {at}")[min(at % 10, 2)]}
            for at in range(150)
        ]
        rows += [{"text": None} for _ in range(600)]
        bench.write_rows(f"{number}.jsonl", rows)
    step = {"tokenise": {**TOKENISE["tokenise"], "special_tokens": "text"}}
    planned = bench.plan([step], shard_bytes=32 * SHARD_BYTES, schema={"text": "string"})
    verdict, texts, _ = judged(bench, planned, 0)
    assert verdict.sampled == len(set(texts)) == 8 * 120
    assert not [text for text in texts if special in text]


def test_a_sample_that_is_short_in_one_unit_is_filled_up_from_others(bench: Bench) -> None:
    write_unit(bench, 0, 5)
    for number in range(1, 8):
        write_unit(bench, number, 200)
    verdict, texts, _ = judged(bench, bench.plan([TOKENISE], shard_bytes=SHARD_BYTES), 0)
    assert verdict.sampled == len(set(texts)) == 1000
    assert sum(text.startswith("0 ") for text in texts) == 5


def test_what_a_small_unit_lacks_is_taken_from_all_others_alike(bench: Bench) -> None:
    sizes = [300, 120, *[300] * 6]
    for number, size in enumerate(sizes):
        write_unit(bench, number, size)
    _, texts, _ = judged(bench, bench.plan([TOKENISE], shard_bytes=SHARD_BYTES), 0)
    shares = Counter(text.split()[0] for text in texts)
    assert shares.pop("1") == 120
    assert set(shares.values()) == {125, 126}
    assert len(set(texts)) == 1000


def test_a_text_that_a_join_looked_up_is_judged_as_it_is(bench: Bench) -> None:
    bench.write_rows("a.jsonl", [{"id": at} for at in range(30)])
    bench.write_rows("b.jsonl", [{"id": at, "text": f"text {at}"} for at in range(30)], number=1)
    document = bench.document([{"join": {"input": "texts", "keys": ["id"]}}, TOKENISE])
    document["inputs"][0]["schema"] = {"id": "int64"}
    texts = {"id": "int64", "text": "string"}
    document["inputs"].append({"name": "/acme/nlp/~/texts", "alias": "texts", "schema": texts})
    report = bench.run(bench.plan_of(document))
    verdict = report.verdicts["deepseek"]
    assert (verdict.fast, verdict.sampled) == (True, 30)


def test_a_tokenizer_that_differs_in_one_stage_is_left_to_the_reference_in_the_next(
    bench: Bench,
) -> None:
    class Wrong(Seen):
        def encode(self, texts: Sequence[str]) -> Encoded:
            found = self.reference.encode(texts)
            odd = [("odd" in text) for text in texts]
            return Encoded(found.ids + any(odd), found.offsets)

    bench.write_rows("a.jsonl", [{"text": "odd", "other": "even"}])
    other = {"column": "other", "tokenizer": "deepseek", "output": "other_ids"}
    planned = bench.plan([TOKENISE, {"dedup_exact": {"columns": ["other"]}}, {"tokenise": other}])
    wrong = FastEngine("wrong 1", lambda file: Wrong(reference_of(file, "text")))
    encoders = Encoders(bench.resolver, [wrong])
    report = run(planned, bench.workspace(), encoders)
    assert not report.verdicts["deepseek"].fast
    assert report.verdicts["deepseek"].differing == 1
