"""redact: what stands for what, and that the scan of the platform finds nothing afterwards."""

# ruff: noqa: RUF001 - letters that look like those of ASCII are what it is about

from __future__ import annotations

import re
from typing import get_args

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidSpec
from governance.engine.scan.counting import Counter
from governance.engine.scan.detectors import SECRETS
from tests.transforms.steps import applied, assert_columns_depend_as_told, texts
from transforms.engine.columns import columns_through
from transforms.engine.operators.base import ColumnUse, Kind, Subtype, identity
from transforms.engine.operators.redact import EVERYTHING, REASON, Redact, What
from transforms.engine.plan import schemas_through
from transforms.engine.redacting import KINDS, found_in
from transforms.engine.spec import read_spec

KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.SflKxwRJSMeKKF2QT4"
PLANTED = {
    "ann.o'neil+x@mail.example.org": "<email>",
    "first.last@example.com": "<email>",
    "a.b@ü.example": "<email>",
    "a@xn--e1afmkfd.xn--p1ai": "<email>",
    "почта@пример.рф": "<email>",
    '"a, b"@example.org': "<email>",
    "ａｎｎａ＠ｅｘａｍｐｌｅ．ｏｒｇ": "<email>",
    "ＤＥ８９　３７０４　００４４　０５３２　０１３０　００": "<iban>",
    "４１１１－１１１１－１１１１－１１１１": "<card>",
    "０７８－０５－１１２０": "<ssn>",
    "０３－１２３４－５６７８": "<phone>",
    "+４９ 30 ９０１８２０": "<phone>",
    "DE89 3704 0044 0532 0130 00": "<iban>",
    "GB82WEST12345698765432": "<iban>",
    "4111 1111 1111 1111": "<card>",
    "5555-5555-5555-4444": "<card>",
    "078-05-1120": "<ssn>",
    "+49 30 901820": "<phone>",
    "(555) 234-9876": "<phone>",
    "203.0.113.77": "<ip>",
    "2001:db8::ff00:42:8329": "<ip>",
    "AKIAIOSFODNN7ABCDEFG": "<aws-key>",
    "ghp_" + "a1B2" * 9: "<github-token>",
    "github_pat_" + "a" * 22 + "_" + "b" * 59: "<github-token>",
    "glpat-" + "x" * 26: "<gitlab-token>",
    "xoxb-123456789012-abcdefghij": "<slack-token>",
    "sk_live_" + "9zZ" * 9: "<stripe-key>",
    "fm_" + "A-_9" * 10 + "abc": "<fairmesh-token>",
    JWT: "<jwt>",
    KEY: "<private-key>",
}
HARMLESS = [
    "words", "123 456", "2024-01-31", "4111 1111 1111 1112", "a@b", "127.0.0.1", "v1.2.3",
    "DE00 3704 0044 0532 0130 00", "1999-2003", "<email>", "½ naïve ☃", "A@B.T", "５＠６．７",
    "@app.route", '"chat"@fr', "价格＠３０元", "２０２４－０１－３１",
]  # fmt: skip


def _scanned(column: pa.Array[pa.Scalar[pa.DataType]]) -> dict[str, int]:
    """Return what the scan of a published version finds, by detector."""
    return {name: each.matches for name, each in Counter().count(column).items() if each.matches}


@pytest.mark.parametrize("value", PLANTED)
def test_the_whole_value_goes_and_the_text_around_it_stays(value: str) -> None:
    batch = texts(f"It is {value} , he said.", "nothing here", None)
    assert _scanned(batch["text"]), "the scan finds what was planted"
    made = applied(Redact("text"), batch).batch["text"]
    assert made.to_pylist() == [f"It is {PLANTED[value]} , he said.", "nothing here", None]


def test_a_key_without_an_end_takes_all_that_follows() -> None:
    made = applied(Redact("text"), texts(f"Key: {KEY[:50]}")).batch
    assert made["text"].to_pylist() == ["Key: <private-key>"]


def test_what_is_harmless_stays() -> None:
    batch = texts(" and ".join(HARMLESS))
    assert applied(Redact("text"), batch).batch.equals(batch)


FRAGMENTS = st.sampled_from(
    [*PLANTED, *HARMLESS, *' \n\t.,;:-@<>()\xa0"\\', "+1", "0", "4111", *"＠．０ａ，。－\u3000ü例"]
)


@settings(max_examples=250, deadline=None)
@given(
    st.lists(st.lists(FRAGMENTS, max_size=8).map("".join), min_size=1, max_size=6),
    st.sampled_from(["tag", "hash"]),
)
def test_whatever_stands_beside_what_the_scan_finds_nothing(
    values: list[str], replace: str
) -> None:
    batch = texts(*values)
    made = applied(Redact("text", replace=replace), batch)  # type: ignore[arg-type]
    assert _scanned(made.batch["text"]) == {}
    by_number = dict(zip(made.batch["n"].to_pylist(), made.batch["text"].to_pylist(), strict=True))
    for number, text in enumerate(values):
        if not _scanned(pa.array([text])):
            assert by_number[number] == text, "what shows nothing stays as it is"


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("联系：anna@example.com，谢谢", "联系：<email>，谢谢"),
        ("（ａ＠ｂ．ｃｏ）", "（<email>）"),
        ("to a@b.co获取更多", "to <email>获取更多"),
        ("电话：０１０－１２３４－５６７８。", "电话：<phone>。"),
        ('he said "hi" to "j d"@x.co, "bye"', 'he said "hi" to <email>, "bye"'),
        ("बात@उदाहरण.भारत।", "<email>।"),
        ("a@b.co، c@d.co", "<email>، <email>"),
    ],
)
def test_what_stands_beside_without_a_space_stays(text: str, redacted: str) -> None:
    assert applied(Redact("text"), texts(text)).batch["text"].to_pylist() == [redacted]


def test_a_hash_is_the_same_however_wide_the_value_is_written() -> None:
    made = applied(Redact("text", replace="hash"), texts("a@b.co", "ａ＠ｂ．ｃｏ")).batch["text"]
    assert made[0] == made[1]


@settings(max_examples=300, deadline=None)
@given(st.lists(FRAGMENTS, max_size=10).map("".join))
def test_what_is_redacted_is_what_the_scan_finds(text: str) -> None:
    detectors = tuple(each for some in KINDS.values() for each in some)
    spans = {found.detector.id for found in found_in(text, detectors)}
    scanned = _scanned(pa.array([text]))
    assert spans <= set(scanned)
    assert bool(spans) == bool(scanned) or "\xa0" in text or "\u3000" in text


def test_a_row_that_still_shows_something_is_dropped_and_counted() -> None:
    # Python's white space is wider than RE2's: the scan's first look sees an address here.
    batch = texts("\xa0@example.com", "fine")
    assert _scanned(batch["text"]) == {"email": 1}
    made = applied(Redact("text"), batch)
    assert made.batch["text"].to_pylist() == ["fine"]
    assert made.dropped() == {REASON: 1}


@pytest.mark.parametrize("repeated", ["AKIA", "-----BEGIN RSA PRIVATE KEY-----"])
def test_a_long_text_that_begins_again_and_again_takes_no_hours(repeated: str) -> None:
    text = repeated * 500_000
    (found,) = found_in(text, SECRETS)
    assert (found.start, found.end) == (0, len(text))


def test_only_the_kinds_asked_for_go_and_all_are_counted() -> None:
    both = "first.last@example.com and +49 30 901820, x.y@example.com"
    made = applied(Redact("text", kinds=("email",)), texts(both, both))
    assert made.batch["text"].to_pylist() == ["<email> and +49 30 901820, <email>"] * 2
    assert made.counts == {"redacted.email": 4}


def test_a_hash_is_the_same_for_the_same_value_alone() -> None:
    batch = texts("a.b@example.com", "to a.b@example.com", "c.d@example.com")
    one, same, other = applied(Redact("text", replace="hash"), batch).batch["text"].to_pylist()
    assert re.fullmatch("<email:[g-y]{16}>", str(one))
    assert same == f"to {one}"
    assert other != one


def test_a_tag_masks_and_a_hash_does_not() -> None:
    for replace, masking in (("tag", True), ("hash", False)):
        told = Redact("text", replace=replace).column_map(texts().schema)  # type: ignore[arg-type]
        assert [use.masking for use in told["text"]] == [masking, masking]
        assert told["n"] == (
            identity("n"),
            ColumnUse("text", Kind.INDIRECT, Subtype.FILTER, masking),
        )


LEGIBLE: list[dict[str, object]] = [
    {"normalise": {"column": "text"}},
    {"fix_encoding": {"column": "text"}},
    {"dedup_lines": {"column": "text"}},
]
HIDDEN: dict[str, object] = {"derive": {"columns": {"text": "to_base64(text::blob)"}}}


@pytest.mark.parametrize(
    ("steps", "masking"),
    [
        ([*LEGIBLE, {"redact": {"column": "text"}}, HIDDEN], True),
        ([HIDDEN, {"redact": {"column": "text"}}], False),
        ([{"redact": {"column": "text", "kinds": ["card"]}}, HIDDEN], False),
    ],
)
def test_what_is_hidden_from_the_detectors_is_not_masked_by_them(
    steps: list[dict[str, object]], masking: bool
) -> None:
    output = {"name": "/a/~/out"}
    spec = read_spec(
        {"version": 1, "inputs": [{"name": "/a/~/in"}], "steps": steps} | {"output": output}
    )
    schemas = schemas_through(spec, texts().schema)
    told = columns_through(spec, schemas[:1], schemas)["text"]
    assert {use.masking for use in told if use.kind is Kind.DIRECT} == {masking}


def test_columns_depend_as_told() -> None:
    changed = texts("x.y@example.com", "\xa0@example.com", "c", first=7)
    assert_columns_depend_as_told(Redact("text"), texts("a", "b", "203.0.113.77"), changed)


def test_what_overlaps_is_one_place() -> None:
    text = "4111111111111111@example.com"
    (found,) = found_in(text, [each for kind in KINDS.values() for each in kind])
    assert text[found.start : found.end] == text


def test_every_kind_is_known_and_every_detector_counts_for_the_digest() -> None:
    assert set(KINDS) == set(EVERYTHING) == set(get_args(What))
    told = Redact("text", kinds=("secrets", "email")).versions()
    assert told == {each.id: each.version for each in (*SECRETS, *KINDS["email"])}


def test_only_text_can_be_redacted() -> None:
    with pytest.raises(InvalidSpec, match="not text"):
        Redact("n").output_schema(texts().schema)
