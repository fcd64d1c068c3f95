"""near_dedup against sets of word tuples: what it drops is alike in truth, and it misses little."""

from __future__ import annotations

import itertools
import random
import re
import sysconfig
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidSpec
from tests.transforms.barriers import assert_columns_depend_as_told, passed
from tests.transforms.bench import Bench
from tests.transforms.steps import texts
from transforms.engine.arrow import text_of
from transforms.engine.near import candidates, exact, linking, shingles
from transforms.engine.near.clusters import Pairs, clusters
from transforms.engine.near.shingles import shingles_of
from transforms.engine.near.sketch import Bands, sketches
from transforms.engine.operators.near_dedup import NearDedup

QUICK = settings(max_examples=60, deadline=None)
Shingle = tuple[str, ...]
DOCUMENTS = st.lists(
    st.one_of(
        st.none(),
        st.lists(st.sampled_from(["a", "b", "ab", "\u00e9", "c", " ", "\n"]), max_size=12).map(
            " ".join
        ),
    ),
    max_size=12,
)


def model(text: str | None, words: int = 5) -> set[Shingle]:
    """Return the shingles of a text, as it is told in the reference."""
    found = [word for word in re.split("[\x00-\x20]+", text or "") if word]
    starts = range(max(1, len(found) - words + 1)) if found else range(0)
    return {tuple(found[start : start + words]) for start in starts}


def similar(documents: Sequence[set[Shingle]], least: float) -> Iterator[tuple[int, int]]:
    """Yield the pairs that are alike, by counting what they share."""
    holders: dict[Shingle, list[int]] = defaultdict(list)
    for number, found in enumerate(documents):
        for shingle in found:
            holders[shingle].append(number)
    shared: dict[tuple[int, int], int] = defaultdict(int)
    for numbers in holders.values():
        for pair in itertools.combinations(numbers, 2):
            shared[pair] += 1
    for (one, other), count in shared.items():
        if count / (len(documents[one]) + len(documents[other]) - count) >= least:
            yield one, other


def firsts(pairs: Iterator[tuple[int, int]], count: int) -> list[int]:
    """Return the first document of the cluster of each."""
    first = list(range(count))
    for one, other in pairs:
        joined = {first[one], first[other]}
        first = [min(joined) if each in joined else each for each in first]
    return first


def dropped(documents: Sequence[str | None], step: NearDedup, shards: int, parts: int) -> set[int]:
    """Return which documents a run over some shards drops."""
    size = -(-len(documents) // shards)
    batches = [
        [texts(*documents[start : start + size], first=start)]
        for start in range(0, len(documents), size)
    ]
    found = passed(step, batches, parts)
    kept = [cast("int", row["n"]) for row in found.rows]
    assert kept == sorted(kept)
    gone = set(range(len(documents))) - set(kept)
    assert found.dropped == ({"near_duplicate": len(gone)} if gone else {})
    return gone


@QUICK
@given(DOCUMENTS, st.integers(1, 6), st.integers(0, 3))
def test_shingles_have_equal_hashes_exactly_where_they_are_equal(
    documents: list[str | None], words: int, cut: int
) -> None:
    column = pa.array(["cut off", *documents], pa.string()).slice(1 + cut)
    names: dict[int, Shingle] = {}
    found = shingles_of(column, words)
    assert found.count == len(column)
    for number, text in enumerate(column.to_pylist()):
        hashes = set(found.hashes[found.documents == number].tolist())
        expected = model(text, words)
        assert len(hashes) == len(expected)
        for shingle in expected:
            alone = shingles_of(pa.array([" ".join(shingle)]), words).hashes.tolist()
            assert len(alone) == 1
            assert alone[0] in hashes
            assert names.setdefault(alone[0], shingle) == shingle


def test_a_null_has_no_shingles_whatever_lies_below_it() -> None:
    column = pa.array(["some words here", "and more of them"])
    buffers = [pa.py_buffer(b"\x01"), *column.buffers()[1:]]
    hidden = text_of(pa.Array.from_buffers(pa.string(), 2, buffers))
    assert hidden.to_pylist() == ["some words here", None]
    assert shingles_of(hidden, 2).sizes().tolist() == [2, 0]


def test_blocks_do_not_change_the_shingles(monkeypatch: pytest.MonkeyPatch) -> None:
    column = pa.array([f"one two three {n} four five {n % 7} six" * (n % 5) for n in range(50)])
    whole = shingles_of(column, 3)
    monkeypatch.setattr(shingles, "BLOCK_BYTES", 100)
    found = shingles_of(column, 3)
    assert np.array_equal(found.hashes, whole.hashes)
    assert np.array_equal(found.documents, whole.documents)
    assert found.count == whole.count == 50


@pytest.mark.parametrize("size", [3, 30, 300])
@pytest.mark.parametrize("similarity", [0.5, 0.8, 0.95])
def test_sketches_agree_as_often_as_their_sets(size: int, similarity: float) -> None:
    """Over 400 pairs: no bias, and no more spread than independent hash functions have."""
    shared = round(2 * size * similarity / (1 + similarity))
    truth = shared / (2 * size - shared)
    made = np.random.default_rng(1)
    sets = []
    for _ in range(400):
        members = made.integers(0, 2**63, 2 * size - shared, dtype=np.uint64)
        sets += [members[:size], np.concatenate([members[:shared], members[size:]])]
    owners = np.repeat(np.arange(800), size)
    found = sketches(shingles.Shingles(np.concatenate(sets), owners, 800), 128)
    estimates = (found[::2] == found[1::2]).mean(axis=1)
    spread = (truth * (1 - truth) / 128) ** 0.5
    assert abs(estimates.mean() - truth) < 4 * spread / 20 + 0.001
    assert estimates.std() < 1.1 * spread + 0.001


@given(st.floats(0.3, 1.0), st.sampled_from([16, 112, 128, 1024]))
def test_bands_find_what_is_just_alike_enough(threshold: float, places: int) -> None:
    found = Bands.fitting(places, threshold)
    assert found.count * found.rows <= places
    assert 1 - (1 - threshold**found.rows) ** found.count >= 0.99 - 1e-9


MEMBERS = st.lists(st.sets(st.integers(0, 20)), min_size=1, max_size=6)


@QUICK
@given(MEMBERS, st.integers(1, 50))
def test_similarities_are_those_of_the_sets(members: list[set[int]], at_once: int) -> None:
    owners = np.repeat(np.arange(len(members)), [2 * len(each) for each in members])
    hashes = np.array([one for each in members for one in [*each, *each]], np.uint32)
    pairs = list(itertools.product(range(len(members)), repeat=2))
    one, other = np.array(pairs).T
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(exact, "_HASHES_AT_ONCE", at_once)
        found = exact.Sets(owners, hashes, len(members)).similarities(Pairs(one, other))
    expected = [
        len(members[one] & members[other]) / max(1, len(members[one] | members[other]))
        for one, other in pairs
    ]
    assert found.tolist() == pytest.approx(expected)


@QUICK
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=40))
def test_a_cluster_is_known_by_its_first(pairs: list[tuple[int, int]]) -> None:
    one, other = np.array(pairs, np.int64).reshape(-1, 2).T
    found = clusters(Pairs(one * 1000, other * 1000))
    expected = {
        (each * 1000, first * 1000)
        for each, first in enumerate(firsts(iter(pairs), 31))
        if each != first
    }
    assert set(zip(found.one.tolist(), found.other.tolist(), strict=True)) == expected


@QUICK
@given(DOCUMENTS, st.integers(1, 3), st.sampled_from([0.5, 0.8, 1.0]))
def test_all_that_is_dropped_is_alike_and_what_is_equal_is_dropped(
    documents: list[str | None], shards: int, threshold: float
) -> None:
    step = NearDedup("text", threshold, shingle_words=2)
    if not documents:
        return
    gone = dropped(documents, step, shards, 2)
    sets = [model(text, 2) for text in documents]
    first = firsts(similar(sets, threshold), len(documents))
    assert all(first[each] != each for each in gone)
    equal = firsts(similar(sets, 1.0), len(documents))
    assert all(each in gone for each, earlier in enumerate(equal) if earlier != each)


def planted(count: int) -> list[str]:
    """Return documents of random words, and copies with as many words changed as chance has it."""
    chance = random.Random(3)
    made: list[str] = []
    for _ in range(count):
        words = [f"w{chance.randrange(5000)}" for _ in range(chance.randrange(20, 400))]
        made.append(" ".join(words))
        for _ in range(chance.randrange(4)):
            copy = list(words)
            for _ in range(round(len(words) * chance.random() * 0.08)):
                copy[chance.randrange(len(copy))] = f"w{chance.randrange(5000)}"
            made.append(" ".join(copy))
    chance.shuffle(made)
    return made


def licences(most: int) -> list[str]:
    """Return texts that people copied, changed a little and put their names to."""
    root = Path(sysconfig.get_paths()["purelib"])
    wanted = re.compile("licen[cs]e|copying|notice|authors", re.IGNORECASE)
    paths = [path for path in sorted(root.rglob("*.dist-info/**/*")) if wanted.search(path.name)]
    return [path.read_text(errors="replace") for path in paths if path.is_file()][:most]


@pytest.mark.parametrize("kind", ["planted", "licences"])
@pytest.mark.parametrize("threshold", [0.6, 0.8])
def test_recall_and_precision_are_those_of_exact_jaccard(kind: str, threshold: float) -> None:
    documents = planted(250) if kind == "planted" else licences(400)
    first = firsts(similar([model(text) for text in documents], threshold), len(documents))
    expected = {each for each, earlier in enumerate(first) if earlier != each}
    assert len(expected) >= 20
    gone = dropped(documents, NearDedup("text", threshold), 4, 3)
    assert len(gone & expected) / len(expected) >= 0.97
    assert len(gone & expected) / len(gone) >= 0.99


def test_how_it_is_cut_up_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    documents = planted(80)
    gone = dropped(documents, NearDedup("text"), 1, 1)
    assert gone
    assert dropped(documents, NearDedup("text"), 7, 5) == gone
    monkeypatch.setattr(linking, "SHINGLES_AT_ONCE", 1000)
    monkeypatch.setattr(candidates, "_PAIRS_AT_ONCE", 5)
    assert dropped(documents, NearDedup("text"), 3, 2) == gone


def test_texts_without_words_stay_and_a_column_decides_for_all() -> None:
    assert dropped([None, "", " \n", None, "x", "y", "x"], NearDedup("text"), 2, 1) == {6}
    same, other = texts("a b c d e f", "g", "a b c d e f"), texts("h", "i", "j", first=7)
    assert_columns_depend_as_told(NearDedup("text"), same, other)


@pytest.mark.parametrize(
    ("step", "wrong"),
    [
        ({"column": "n"}, "not text"),
        ({"column": "texts"}, "Did you mean 'text'"),
        ({"column": "text", "threshold": 0.2}, "at least"),
        ({"column": "text", "hashes": 15}, "at least"),
    ],
)
def test_what_cannot_be_is_refused(bench: Bench, step: dict[str, object], wrong: str) -> None:
    bench.write_rows("a.jsonl", [{"n": 1, "text": "x"}])
    with pytest.raises(InvalidSpec, match=wrong):
        bench.plan([{"near_dedup": step}])
