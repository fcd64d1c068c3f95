"""Each detector on what it is for, on what only looks like it, and against a naive count."""

# ruff: noqa: RUF001 - letters that look like those of ASCII are what it is about

from __future__ import annotations

from string import ascii_letters
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.engine.scan.counting import Count, Counter
from governance.engine.scan.detectors import BY_ID, DETECTORS
from governance.engine.scan.folding import fold, folded
from governance.engine.scan.tally import LINES, Tally, wilson
from governance.engine.scan.texts import MAX_DEPTH, Column, texts_in, values_of
from governance.engine.scan.validators import luhn, mod97

TRUE = {
    "email": ["a@b.co", "x first.last+tag@mail.example.co.uk.", '{"m":"zoë@example.org"}',
              "zoë@ü.example", "a@xn--bcher-kva.example", "почта@пример.рф", "a@пример.xn--p1ai",
              "联系anna@例子.中国", '"a b"@example.org', 'say "hi" to "a, b"@x.co'],
    "iban": ["DE89370400440532013000", "GB82 WEST 1234 5698 7654 32 TO ME", "nl91abna0417164300"],
    "ssn": ["536-90-4399", "(SSN: 001-01-0001)"],
    "card": ["4111111111111111", "5500-0000-0000-0004.", "3782 822463 10005", "card=4222222222222"],
    "phone": ["+49 30 901820", "(212) 555-0142", "call 0171-5551234 now"],
    "ip": ["8.8.8.8", "2001:db8:0:0:0:0:2:1 said", "from=10.1.2.3;"],
    "secret.aws-key": ["AKIA" + "IOSFODNN7ABCDEFG"],
    "secret.github-token": ["ghp_" + "a1B2" * 9],
    "secret.slack-token": ["xoxb-" + "123456789012-abc"],
    "secret.google-key": ["AIza" + "B" * 35],
    "secret.jwt": ["eyJ" + "hbGciOiJIUzI1NiJ9" + ".eyJ" + "zdWIiOiIxMjM0In0" + ".abcdefghij_k"],
    "secret.private-key": ["-----BEGIN " + "OPENSSH PRIVATE KEY-----\\nb3BlbnNz"],
    "secret.fairmesh-token": ["Bearer fm_" + "a" * 43],
}  # fmt: skip
FALSE = {
    "email": ["@decorator", "a @ b.co", "a@b", "user@host:22", "5@6.7", "A@B.T", "x = a@b.t(c)",
              "@app.route('/x')", '"chat"@fr .', "a@b。com", "５＠６．７", "価格＠５００円"],
    "iban": ["DE89370400440532013001", "XX89370400440532013000", "DE893704004405320130001"],
    "ssn": ["000-12-3456", "666-12-3456", "912-12-3456", "536-00-4399", "1536-90-4399",
            "536-90-43991", "2024-536-90-4399"],
    "card": ["4111111111111112", "0000000000000000", "0.4111111111111111", "1234567890123452"],
    "phone": ["2024-01-31", "1999-2004", "12345", "10.0.0.1", "536-90-4399", "1.234.567,89"],
    "ip": ["1.2.3", "999.1.1.1", "1.2.3.4.5", "12:30:45", "127.0.0.1", "255.255.255.0", "::"],
    "secret.aws-key": ["AKIAIOSFODNN7" + "EXAMPLE"],
    "secret.jwt": ["eyJhbGciOiJIUzI1NiJ9"],
}  # fmt: skip


def found(detector: str, text: str) -> int:
    counts = Counter([BY_ID[detector]]).count(pa.array([text]))
    return counts[detector].matches if detector in counts else 0


@pytest.mark.parametrize(("detector", "text"), [(d, t) for d, ts in TRUE.items() for t in ts])
def test_it_is_found(detector: str, text: str) -> None:
    assert found(detector, text) == 1


@pytest.mark.parametrize(("detector", "text"), [(d, t) for d, ts in FALSE.items() for t in ts])
def test_it_only_looks_like_it(detector: str, text: str) -> None:
    assert found(detector, text) == 0


def test_every_detector_has_a_label_of_its_own_and_a_hint_that_reads_names() -> None:
    assert len({each.label for each in DETECTORS}) == len(DETECTORS) == len(BY_ID)
    assert BY_ID["email"].is_hinted_by("Customer_EMail")
    assert BY_ID["card"].is_hinted_by("cc_number")
    assert not BY_ID["card"].is_hinted_by("success_rate")


@given(st.integers(0, 10**15))
def test_one_check_digit_of_ten_is_right(number: int) -> None:
    assert sum(luhn(f"{number}{digit}") for digit in range(10)) == 1


def test_one_pair_of_check_digits_of_97_is_right() -> None:
    right = [n for n in range(2, 99) if mod97(f"DE{n:02}370400440532013000")]
    assert right == [89]


WIDE = {ord(char): chr(ord(char) - 0x21 + 0xFF01) for char in "0123456789@.+-()" + ascii_letters}
SECRETS = {each.id for each in DETECTORS if each.id.startswith("secret.")}


@settings(deadline=None)
@given(
    st.sampled_from([(d, t) for d, ts in TRUE.items() for t in ts if d not in SECRETS]),
    st.sets(st.sampled_from(sorted(WIDE))),
)
def test_what_is_written_wide_is_found_all_the_same(given: tuple[str, str], wide: set[int]) -> None:
    detector, text = given
    some = {code: WIDE[code] for code in wide}
    assert found(detector, text.translate(WIDE)) == 1
    written = text.translate(some)
    if any(char.isalnum() or char in "＠．" for char in written if char in WIDE.values()):
        assert found(detector, written) == 1


def test_a_text_is_folded_character_by_character() -> None:
    text = "ａ＠ｂ．ｃｏ、４１\u3000０３－１２：電話，"
    assert fold(text) == "a@b.co、41 03-12：電話，"
    assert fold("１ \u2212 2") == "1 - 2"
    assert fold("a@b．co") == "a@b.co"
    assert fold(plain := "1 \u2212 2，（a）") is plain


@given(
    st.lists(st.none() | st.text(st.sampled_from("aé＠ａ０，。 ")), max_size=9), st.integers(0, 3)
)
def test_a_column_is_folded_as_its_values(values: list[str | None], start: int) -> None:
    for kind in (pa.string(), pa.large_string()):
        column = pa.array(values, kind).slice(start)
        made = folded(column)
        assert made.type == kind
        assert values_of(made) == [v if v is None else fold(v) for v in values[start:]]


POOL = [text for texts in (*TRUE.values(), *FALSE.values()) for text in texts] + ["", "plain"]


@given(st.lists(st.one_of(st.none(), st.sampled_from(POOL)), max_size=12))
def test_counting_a_column_is_counting_its_values(values: list[str | None]) -> None:
    counts = Counter().count(pa.array(values, pa.string()))
    for detector in DETECTORS:
        naive = sum(detector.matches(fold(value)) for value in values if value is not None)
        assert (counts[detector.id].matches if detector.id in counts else 0) == naive


@given(st.lists(st.sampled_from(POOL), max_size=20), st.integers(0, 20))
def test_counts_add_up_in_any_cut(values: list[str], cut: int) -> None:
    whole, parts = Tally(), Tally()
    whole.see(Counter(), [("x", pa.array(values, pa.string()))])
    for some in (values[:cut], values[cut:]):
        piece = Tally()
        piece.see(Counter(), [("x", pa.array(some, pa.string()))])
        parts.add(Tally.from_json(piece.as_json()))
    assert parts.as_json() == whole.as_json()


NESTED: list[tuple[Any, pa.DataType]] = [
    ([{"a": {"b": ["x@y.org"]}}], pa.struct([("a", pa.struct([("b", pa.list_(pa.string()))]))])),
    ([[("k", "x@y.org")]], pa.map_(pa.string(), pa.string())),
    (["x@y.org", "x@y.org"], pa.dictionary(pa.int32(), pa.string())),
    ([b"x@y.org", b"\xff@y.org"], pa.binary()),
    (["x@y.org"], pa.large_string()),
    (["x@y.org"], pa.string_view()),
    ([["x@y.org", None], None], pa.large_list(pa.string())),
]


@pytest.mark.parametrize(("values", "kind"), NESTED)
def test_whatever_a_column_nests_is_looked_at(values: list[Any], kind: pa.DataType) -> None:
    tally = Tally()
    tally.see(Counter(), [("c", pa.array(values, kind))])
    assert tally.columns["c"].counts["email"].matches >= 1


@pytest.mark.parametrize("kind", [pa.float64(), pa.bool_(), pa.timestamp("s"), pa.null()])
def test_what_holds_no_text_is_passed_over(kind: pa.DataType) -> None:
    assert list(texts_in(pa.array([None] * 3, kind))) == []


def test_what_nests_deeply_is_looked_at_whatever_stands_beside_it() -> None:
    ages = pa.array([10**15], pa.timestamp("s"))
    column: Column = pa.StructArray.from_arrays([pa.array(["ann@example.org"]), ages], ["m", "at"])
    for _ in range(MAX_DEPTH + 2):
        column = pa.StructArray.from_arrays([column], ["in"])
    texts = list(texts_in(column))
    assert sum(Counter().count(each).get("email", Count()).matches for each in texts) == 1


def test_text_that_is_no_utf8_is_no_error() -> None:
    raw = pa.array([b"\xff\xfe 4111111111111111"], pa.binary())
    _, offsets, data = raw.buffers()
    assert offsets is not None
    assert data is not None
    broken = pa.StringArray.from_buffers(1, offsets, data)
    assert Counter().count(broken)["card"].matches == 1


def test_the_interval_holds_the_rate_and_narrows() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    for matches, values in ((0, 10), (5, 10), (10, 10), (500, 1000)):
        low, high = wilson(matches, values)
        assert 0 <= low <= matches / values <= high <= 1
    assert wilson(500, 1000)[0] > wilson(5, 10)[0]


def test_a_table_without_end_of_columns_is_counted_all_the_same() -> None:
    tally = Tally()
    tally.see(Counter(), [(f"c{n}", pa.array(["x@y.org"])) for n in range(10_050)])
    assert len(tally.columns) <= 10_001
    assert tally.columns[LINES].counts["email"].matches == 50
