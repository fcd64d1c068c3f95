"""Documents as the how-tos show them, run over what the how-tos show or something like it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import yaml

from tests.transforms.bench import Bench
from tests.transforms.pictures import file_of, gradient, header_only, pixels_of
from tests.transforms.sentence_models import WIDTH, write_model
from transforms.engine.embedding import read_folder

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"


def _blocks(page: str, language: str) -> list[str]:
    """Return the blocks of code of a page, without the indent of the list they stand in."""
    text = (HOW_TO / page).read_text()
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", block, flags=re.MULTILINE) for indent, block in found]


def test_logs_become_a_corpus_without_what_must_not_be_in_one(bench: Bench) -> None:
    page = "make-a-corpus-of-conversations.md"
    (logs,), (document,) = _blocks(page, "json"), _blocks(page, "yaml")
    bench.write("2026-11.jsonl", logs.encode())
    planned = bench.plan_of(yaml.safe_load(document))
    report = bench.run(planned)
    assert report.rows_in == 5
    assert report.dropped == {"chat.control_token": 1, "chat.no_messages": 1, "duplicate": 1}
    assert sorted((row["id"], row["text"]) for row in bench.rows(report)) == [
        ("c1", "<|im_start|>user\nI am <email>. Where is my parcel?<|im_end|>\n"
               "<|im_start|>assistant\nIt arrives on Friday.<|im_end|>\n"),
        ("c2", "<|im_start|>user\nCall me on <phone>.<|im_end|>\n"
               "<|im_start|>assistant\nWe will do that today.<|im_end|>\n"),
    ]  # fmt: skip
    assert {entry.path.partition("/")[0] for entry in report.outputs} <= {"train", "validation"}
    assert {use.column for use in planned.column_map["text"]} == {"messages"}
    assert report.counts["redacted.email"] == 1
    assert planned.schemas[-1].names == ["id", "text"]
    for secret in (b"ana", b"ben", b"901820", b"obey"):
        assert not any(secret in data for data in bench.files().values())


def test_pages_become_chunks_with_vectors(bench: Bench, tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model")
    small = replace(bench, resolver=lambda name: read_folder(folder))
    document = yaml.safe_load(_blocks("prepare-texts-and-images-for-models.md", "yaml")[0])
    page = "# Dogs\n\n" + "a red dog. " * 60 + "\n\n## Cats\n\na blue cat.\n"
    small.write_rows("a.jsonl", [{"page": n, "text": page} for n in range(2)])
    report = small.run(small.plan_of(document))
    rows = small.rows(report)
    assert report.rows_in + report.counts["added_rows"] == len(rows) * 2
    assert report.dropped == {"duplicate": len(rows)}
    assert len(rows) > 2
    for row in rows:
        assert page[row["start"] : row["end"]] == row["text"]
        assert len(row["embedding"]) == WIDTH
    assert rows[-1]["text"] == "## Cats\n\na blue cat."


def test_a_folder_of_photos_becomes_a_training_set(bench: Bench) -> None:
    document = yaml.safe_load(_blocks("prepare-texts-and-images-for-models.md", "yaml")[1])
    dark = np.ascontiguousarray(gradient(200, 100)[:, ::-1])
    bench.write("a.png", file_of(gradient(200, 100)))
    bench.write("b.jpg", file_of(gradient(150, 75), "jpeg"))
    bench.write("c.webp", file_of(dark, "webp", orientation=6))
    bench.write("d.png", file_of(gradient(400, 100)))
    bench.write("e.png", file_of(gradient(63, 63)))
    bench.write("f.jpg", b"torn")
    bench.write("g.png", header_only(30_000, 30_000))
    report = bench.run(bench.plan_of(document))
    rows = bench.rows(report)
    assert [row["path"] for row in rows] == ["a.png", "c.webp"]
    assert report.dropped == {
        "duplicate_image": 1,
        "not_an_image": 1,
        "too_long": 1,
        "too_many_pixels": 1,
        "too_narrow": 1,
    }
    for row in rows:
        assert (row["width"], row["height"], row["format"]) == (64, 64, "webp")
        assert pixels_of(row["bytes"]).shape == (64, 64, 3)


def test_the_example_logs_are_json() -> None:
    (logs,) = _blocks("make-a-corpus-of-conversations.md", "json")
    assert [json.loads(line)["id"] for line in logs.splitlines()] == ["c1", "c2", "c3", "c4", "c5"]


def test_pages_are_joined_and_sources_are_mixed(bench: Bench, tmp_path: Path) -> None:
    joining, mixing = map(yaml.safe_load, _blocks("put-several-inputs-together.md", "yaml"))
    bench.write_rows("a.jsonl", [{"url": f"u{n}", "text": f"page {n}"} for n in range(9)])
    bench.write_rows("a.jsonl", [{"url": f"u{n}", "score": n} for n in range(7)], number=1)
    report = bench.run(bench.plan_of(joining))
    assert sorted(row["score"] for row in bench.rows(report)) == [3, 4, 5, 6]
    assert report.dropped == {"score.min": 3, "unmatched": 2}

    second = Bench(tmp_path / "mixing", bench.resolver)
    for number in range(2):
        texts = [{"text": f"{number}{n:05d}"} for n in range(1000)]
        second.write_rows("a.jsonl", texts, number)
    report = second.run(second.plan_of(mixing))
    sources = [row["source"] for row in second.rows(report)]
    assert (sources.count("wiki"), sources.count("code")) == (2000, 1000)
