from __future__ import annotations

import hashlib
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import manifest
from core.digests import CHUNK_BYTES, Chunk, Digest, FileHasher, hash_stream, sha256_digest
from core.errors import IntegrityBroken, Invalid
from core.manifest import FileEntry, build, merkle_root, read_shard

entries = st.lists(
    st.builds(
        FileEntry,
        path=st.text("abé/~=", min_size=1, max_size=8),
        bytes=st.integers(0, 2**60),
        sha256=st.binary(min_size=32, max_size=32).map(bytes.hex),
        media_type=st.sampled_from(["text/csv", "application/x-ndjson"]),
        rows=st.none() | st.integers(0, 2**40),
        chunks=st.lists(st.builds(Chunk, st.just("0" * 64), st.integers(0, 2**32 - 1))).map(tuple),
    ),
    unique_by=lambda entry: entry.path,
    max_size=6,
)


@settings(deadline=None)
@given(entries, st.randoms())
def test_the_order_of_files_does_not_matter_and_all_come_back(
    files: list[FileEntry], chance: random.Random
) -> None:
    built = build(files)
    shuffled = list(files)
    chance.shuffle(shuffled)
    assert build(shuffled) == built
    back = [entry for shard in built.shards for entry in read_shard(shard.data, shard.digest)]
    assert back == sorted(files, key=lambda entry: entry.path.encode())
    assert (built.files, built.bytes) == (len(files), sum(file.bytes for file in files))
    known = [file.rows for file in files if file.rows is not None]
    assert built.rows == (sum(known) if len(known) == len(files) else None)


def test_many_files_make_several_shards_in_one_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest, "SHARD_FILES", 2)
    files = [FileEntry(f"{n}", n, "0" * 64, "text/plain") for n in range(5)]
    built = build(files)
    assert [shard.files for shard in built.shards] == [2, 2, 1]
    changed = [*files[:4], FileEntry("4", 4, "1" * 64, "text/plain")]
    other = build(changed)
    assert other.root != built.root
    assert [s.digest for s in other.shards[:2]] == [s.digest for s in built.shards[:2]]


def test_one_path_stands_once() -> None:
    with pytest.raises(Invalid, match="twice"):
        build([FileEntry("a", 1, "0" * 64, "x"), FileEntry("a", 2, "1" * 64, "x")])


def test_a_shard_is_read_only_when_its_bytes_are_its_address() -> None:
    shard = build([FileEntry("a", 1, "0" * 64, "x")]).shards[0]
    with pytest.raises(IntegrityBroken):
        list(read_shard(shard.data + b"x", shard.digest))


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1 as it is written."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    left, right = naive_root(leaves[:split]), naive_root(leaves[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=20))
def test_the_root_is_that_of_rfc_6962(leaves: list[bytes]) -> None:
    digests = [Digest("sha256:" + leaf.hex()) for leaf in leaves]
    assert merkle_root(digests) == "sha256:" + naive_root(leaves).hex()


@settings(max_examples=10, deadline=None)
@given(
    st.sampled_from([0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES]),
    st.lists(st.integers(1, 2 * CHUNK_BYTES), max_size=3),
)
def test_digests_depend_on_the_bytes_and_not_on_how_they_came(size: int, cuts: list[int]) -> None:
    data = random.Random(size).randbytes(size)
    whole, chunks = hash_stream([data])[1:]
    hasher, rest = FileHasher(), data
    for cut in cuts:
        hasher.update(rest[:cut])
        rest = rest[cut:]
    hasher.update(rest)
    assert hasher.finish() == (whole, chunks)
    assert "sha256:" + whole == sha256_digest(data)
    pieces = [data[at : at + CHUNK_BYTES] for at in range(0, size, CHUNK_BYTES)]
    assert ["sha256:" + chunk.sha256 for chunk in chunks] == [*map(sha256_digest, pieces)]


def test_the_checksum_is_castagnoli() -> None:
    """Source: RFC 3720 appendix B.4, and the check value of CRC-32C."""
    assert hash_stream([b"123456789"])[2][0].crc32c == 0xE3069283
    assert hash_stream([bytes(32)])[2][0].crc32c == 0x8A9136AA
