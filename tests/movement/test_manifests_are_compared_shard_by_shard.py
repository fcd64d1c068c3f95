"""The difference of manifests is what comparing every file finds; what is equal is not read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import manifest as manifests
from core.digests import Digest
from core.errors import IntegrityBroken
from core.files import FileEntry
from movement.engine import manifest_diff
from movement.engine.manifest_diff import ShardedManifest, differences

Files = dict[str, int]
"""By path which of a few contents lies there."""
Found = dict[str, tuple[set[str], set[str], set[str]]]
PATHS = [f"{folder}{number}" for folder in ("", "a/", "ä/", "\U0001f600/") for number in range(8)]
files = st.dictionaries(st.sampled_from(PATHS), st.integers(0, 2))


@dataclass
class Side:
    """A manifest of small shards that counts what is read of it."""

    files: Files
    reads: Counter[Digest] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        entries = [
            FileEntry(path, content % 2, str(content % 3) * 64, "text/csv")
            for path, content in self.files.items()
        ]
        self.manifest = manifests.build(entries)
        self.data = {shard.digest: shard.data for shard in self.manifest.shards}

    @property
    def sharded(self) -> ShardedManifest:
        return ShardedManifest(self.manifest.root, tuple(self.data), self.read)

    def read(self, digest: Digest) -> bytes:
        self.reads[digest] += 1
        return self.data[digest]


@pytest.fixture(autouse=True, scope="module")
def _small_shards() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifests, "SHARD_FILES", 3)
        patch.setattr(manifest_diff, "_READ_AHEAD", 2)
        yield


def found(wanted: Side, sites: dict[str, Side]) -> Found:
    told: Found = {name: (set(), set(), set()) for name in sites}
    for difference in differences(wanted.sharded, {n: s.sharded for n, s in sites.items()}):
        tables = (difference.missing, difference.changed, difference.extra)
        assert any(len(table) for table in tables)
        for paths, table in zip(told[difference.site], tables, strict=True):
            new = paths_of(table)
            assert not paths & new, "told twice"
            paths |= new
    return told


def paths_of(table: pa.Table) -> set[str]:
    return {str(path) for path in table["path"].to_pylist()}


def naive(wanted: Files, there: Files) -> tuple[set[str], set[str], set[str]]:
    both = wanted.keys() & there.keys()
    changed = {path for path in both if wanted[path] != there[path]}
    return set(wanted) - both, changed, set(there) - both


@settings(max_examples=60, deadline=None)
@given(wanted=files, sites=st.lists(files, min_size=1, max_size=3), near=st.booleans())
def test_it_is_what_comparing_every_file_finds(
    wanted: Files, sites: list[Files], near: bool
) -> None:
    if near:  # a few differences of one manifest, so that most shards are shared
        sites = [{**wanted, **dict(list(site.items())[:2])} for site in sites]
    side, held = Side(wanted), {f"s{n}": Side(site) for n, site in enumerate(sites)}
    assert found(side, held) == {name: naive(wanted, site.files) for name, site in held.items()}
    assert max(side.reads.values(), default=0) <= 1, "once for all sites"
    for site in held.values():
        assert max(site.reads.values(), default=0) <= 1
        assert not site.reads.keys() & side.data.keys(), "what is equal is not read"


def test_equal_roots_read_nothing() -> None:
    files = dict.fromkeys(PATHS, 1)
    wanted, there = Side(files), Side(files)
    assert found(wanted, {"s": there}) == {"s": (set(), set(), set())}
    assert not wanted.reads
    assert not there.reads


def test_one_change_reads_one_shard_of_each_side() -> None:
    files = dict.fromkeys(PATHS, 1)
    wanted, there = Side(files), Side({**files, "a/3": 2})
    (difference,) = differences(wanted.sharded, {"s": there.sharded})
    assert difference.changed.to_pylist() == [{"path": "a/3", "bytes": 1, "sha256": "1" * 64}]
    assert (wanted.reads.total(), there.reads.total()) == (1, 1)


def test_memory_holds_a_few_shards_of_a_side_whatever_it_has() -> None:
    """A site with nothing but files beyond the wanted ones is read on while those are told."""
    wanted, there = Side({"0": 0, "9": 0}), Side({f"5{n:03}": 0 for n in range(60)})
    first = next(differences(wanted.sharded, {"s": there.sharded}))
    assert there.reads.total() == 2
    assert len(first.extra) == 6


def test_a_shard_of_other_bytes_is_refused() -> None:
    wanted, there = Side({"a": 0}), Side({"b": 0})
    (digest,) = there.data
    there.data[digest] = next(iter(wanted.data.values()))
    with pytest.raises(IntegrityBroken, match="its address is"):
        found(wanted, {"s": there})
