"""The benchmark of whole pipelines ends where documents or ids lie apart, and says where."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.corpus_check import (
    Part,
    check_documents,
    check_kept,
    documents_in,
    kept_by_step,
    our_parts,
    peer_parts,
)
from tests.transforms.steps import no_tokenizer
from transforms.engine.encoders import Encoders
from transforms.engine.operators.pack import Pack
from transforms.engine.operators.tokenise import IDS

DOCUMENTS = {"one": [1, 2, 3], "two": [4, 5, 6, 7, 8, 9], "three": [10], "four": [11, 12]}
EXPECTED = {text: np.array(ids, np.uint32).tobytes() for text, ids in DOCUMENTS.items()}


def test_documents_are_found_again_in_packed_rows(tmp_path: Path) -> None:
    tokens, texts = tmp_path / "tokens", tmp_path / "texts"
    for folder in (tokens, texts):
        folder.mkdir()
    running = Pack(length=5).start(Encoders(no_tokenizer))
    whole = running.apply(pa.record_batch({"input_ids": pa.array(DOCUMENTS.values(), IDS)}))
    rest = running.finish()
    assert rest is not None
    rows = pa.Table.from_batches([whole.batch, rest.batch])
    pq.write_table(rows, tokens / "part-00000.parquet")
    pq.write_table(pa.table({"text": list(DOCUMENTS)}), texts / "part-00000.parquet")
    assert documents_in(our_parts(tokens, texts)) == EXPECTED


def test_documents_are_found_again_in_what_datatrove_writes(tmp_path: Path) -> None:
    ids = [token for document in DOCUMENTS.values() for token in document]
    np.array(ids, "<u4").tofile(tmp_path / "00000_unshuffled.ds")
    ends = np.cumsum([len(document) for document in DOCUMENTS.values()])
    ends.astype("<u8").tofile(tmp_path / "00000_unshuffled.ds.index")
    rows = "".join(json.dumps({"text": text}) + "\n" for text in DOCUMENTS)
    (tmp_path / "00000.jsonl").write_text(rows)
    assert documents_in(peer_parts(tmp_path, tmp_path)) == EXPECTED


def test_other_ids_of_the_same_text_end_the_benchmark() -> None:
    check_documents(EXPECTED, dict(EXPECTED), "exact")
    with pytest.raises(SystemExit, match="1 texts have other ids"):
        check_documents(EXPECTED, {**EXPECTED, "one": b"1234"}, "exact")


def test_too_few_texts_in_common_end_the_benchmark() -> None:
    with pytest.raises(SystemExit, match=r"Only 0\.750"):
        check_documents(EXPECTED, {text: EXPECTED[text] for text in ("one", "two", "four")}, "near")


def test_a_text_without_tokens_or_tokens_without_a_text_end_the_benchmark() -> None:
    part = Part(np.array([1, 2], np.uint32), np.array([1, 2]), ["one"])
    with pytest.raises(SystemExit, match="2 documents were tokenised, and 1 were left"):
        documents_in(iter([part]))


def test_documents_are_counted_behind_each_step() -> None:
    dropped = {"language": 10, "gopher_repetition": 20, "gopher": 5, "duplicate": 1}
    ours = kept_by_step(100, dropped, "exact")
    assert list(ours.values()) == [90, 70, 65, 64]
    check_kept(ours, {**ours, "language": 99})
    with pytest.raises(SystemExit, match="Behind language ours has 90 documents and the peer 100"):
        check_kept(ours, {**ours, "language": 100})
