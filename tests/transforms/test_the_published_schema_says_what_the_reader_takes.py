"""The JSON Schema file is current; it accepts and refuses what the reader does."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import jsonschema
import pytest

from core.errors import InvalidSpec
from transforms.engine.schema import dump
from transforms.engine.spec import load, read_spec

PUBLISHED = Path(__file__).parents[2] / "docs" / "reference" / "pipeline.schema.json"
GOOD = """
version: 1
inputs: [{name: /acme/nlp/~/code, version: v=3, files: "*.jsonl", format: jsonl,
          schema: {text: string}}]
steps:
  - normalise: {column: text, form: NFC}
  - filter: {where: [{column: text, min_chars: 200, reason: short}]}
  - select: {columns: [text]}
  - dedup_exact: {columns: [text]}
  - tokenise: {column: text, tokenizer: anthropic, add_eos: true}
  - pack: {length: 2048}
output: {name: /acme/nlp/~/code-tokens, format: webdataset, compression: gzip, key: text,
         column: input_ids,
         index: {column: embedding, metric: ip, dtype: f16, connectivity: 8, expansion: 64}}
"""


def test_the_published_schema_is_current() -> None:
    assert PUBLISHED.read_text() == dump()


def _spoilt(value: object) -> list[object]:
    """Return copies of a JSON value, each with one thing wrong or missing somewhere."""
    found: list[object] = []
    if isinstance(value, dict):
        found.append({**value, "unknown": 1})
        for key in value:
            found.append({other: value[other] for other in value if other != key})
            found += [{**value, key: spoilt} for spoilt in _spoilt(value[key])]
    elif isinstance(value, list):
        found.append([])
        for at in range(len(value)):
            found += [[*value[:at], spoilt, *value[at + 1 :]] for spoilt in _spoilt(value[at])]
    else:
        found += [{}, -1, "", True, 1.5, None]
    return found


def test_reader_and_schema_agree_on_spoilt_documents() -> None:
    validator = jsonschema.Draft202012Validator(json.loads(PUBLISHED.read_text()))
    good = load(GOOD).as_json()
    validator.validate(good)
    assert read_spec(copy.deepcopy(good)).as_json() == good
    refused = 0
    for document in _spoilt(good):
        try:
            read_spec(document)
            taken = True
        except InvalidSpec:
            taken = False
            refused += 1
        assert validator.is_valid(document) == taken, document
    assert refused > 50


def test_what_the_schema_refuses_of_a_split_the_reader_refuses() -> None:
    """The reader knows more: that the shares add up to one."""
    validator = jsonschema.Draft202012Validator(json.loads(PUBLISHED.read_text()))
    split = {"parts": {"train": 0.9, "test": 0.1}, "by": "text", "seed": 3}
    good = load(GOOD).as_json() | {"split": split}
    validator.validate(good)
    assert read_spec(good).as_json() == good
    refused = 0
    for spoilt in [*_spoilt(split), split | {"parts": {"../out": 1.0}}]:
        document = good | {"split": spoilt}
        if not validator.is_valid(document):
            refused += 1
            with pytest.raises(InvalidSpec):
                read_spec(document)
    assert refused > 10


def test_a_normal_form_reads_as_itself() -> None:
    spec = load(GOOD)
    assert read_spec(spec.as_json()) == spec


@pytest.mark.parametrize(
    "operator", ["normalise", "tokenise", "pack", "dedup_exact", "near_dedup", "shuffle", "sort"]
)
def test_each_operator_is_described(operator: str) -> None:
    described = json.loads(dump())["properties"]["steps"]["items"]["oneOf"]
    (found,) = [each for each in described if operator in each["properties"]]
    assert found["description"]
