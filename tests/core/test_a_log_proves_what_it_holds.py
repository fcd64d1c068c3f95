"""The tree is that of RFC 9162: a naive model, known values, and no proof of what is not so."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import merkle
from core.errors import Invalid
from core.tiles import TiledTree, extended

# The test data of certificate-transparency's reference implementation: entries, and the roots of
# the first 1, 2, … 8 of them.
ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PATH_OF_0_IN_8 = [
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
]
FROM_6_TO_8 = [
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """The definition, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = naive_split(len(leaves))
    both = naive_root(leaves[:k]) + naive_root(leaves[k:])
    return hashlib.sha256(b"\x01" + both).digest()


def naive_split(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def naive_path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = naive_split(len(leaves))
    if m < k:
        return [*naive_path(m, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), naive_root(leaves[:k])]


def naive_proof(m: int, leaves: Sequence[bytes], known: bool = True) -> list[bytes]:
    if m == len(leaves):
        return [] if known else [naive_root(leaves)]
    k = naive_split(len(leaves))
    if m <= k:
        return [*naive_proof(m, leaves[:k], known), naive_root(leaves[k:])]
    return [*naive_proof(m - k, leaves[k:], False), naive_root(leaves[:k])]


def leaves_of(count: int) -> list[bytes]:
    return [merkle.leaf_hash(number.to_bytes(4, "big")) for number in range(count)]


def tree_of(leaves: Sequence[bytes], steps: Sequence[int] = ()) -> TiledTree:
    """Grow tiles in steps, as a log does, and return what reads them."""
    tiles: dict[tuple[int, int], bytes] = {}
    size = 0
    for end in [*sorted(step for step in steps if step < len(leaves)), len(leaves)]:
        tiles.update(extended(size, leaves[size:end], lambda *at: tiles[at]))
        size = end
    return TiledTree(lambda *at: tiles[at])


def test_known_values() -> None:
    leaves = [merkle.leaf_hash(entry) for entry in ENTRIES]
    tree = tree_of(leaves)
    assert [merkle.root(n, tree.node).hex() for n in range(1, 9)] == ROOTS
    assert merkle.root(0, tree.node) == merkle.root_of([]) == hashlib.sha256(b"").digest()
    assert [part.hex() for part in merkle.inclusion(0, 8, tree.node)] == PATH_OF_0_IN_8
    assert [part.hex() for part in merkle.consistency(6, 8, tree.node)] == FROM_6_TO_8


sizes = st.integers(1, 70) | st.sampled_from([255, 256, 257, 511, 512, 513, 700])


@given(st.data(), sizes, st.lists(st.integers(1, 700), max_size=4))
def test_roots_and_proofs_are_those_of_the_definition(
    data: st.DataObject, size: int, steps: list[int]
) -> None:
    leaves = leaves_of(size)
    tree = tree_of(leaves, steps)
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    root, old_root = naive_root(leaves), naive_root(leaves[:old])
    assert merkle.root(size, tree.node) == merkle.root_of(leaves) == root
    assert merkle.root(old, tree.node) == old_root
    path = merkle.inclusion(index, size, tree.node)
    assert path == naive_path(index, leaves)
    assert merkle.verify_inclusion(leaves[index], index, size, path, root)
    proof = merkle.consistency(old, size, tree.node)
    assert proof == naive_proof(old, leaves)
    assert merkle.verify_consistency(old, size, old_root, root, proof)


@given(st.data(), st.integers(2, 40))
def test_no_proof_holds_for_what_is_not_so(data: st.DataObject, size: int) -> None:
    leaves = leaves_of(size)
    tree = tree_of(leaves)
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size - 1))
    other = data.draw(st.integers(0, size + 1).filter(lambda n: n != index))
    root, old_root = naive_root(leaves), naive_root(leaves[:old])
    wrong = hashlib.sha256(b"another").digest()

    path = merkle.inclusion(index, size, tree.node)
    assert not merkle.verify_inclusion(wrong, index, size, path, root)
    assert not merkle.verify_inclusion(leaves[index], index, size, path, wrong)
    assert not merkle.verify_inclusion(leaves[index], other, size, path, root)
    assert not merkle.verify_inclusion(leaves[index], index, size, [*path, wrong], root)
    assert not merkle.verify_inclusion(leaves[index], index, size, path[:-1], root)

    proof = merkle.consistency(old, size, tree.node)
    assert not merkle.verify_consistency(old, size, wrong, root, proof)
    assert not merkle.verify_consistency(old, size, old_root, wrong, proof)
    assert not merkle.verify_consistency(old, size, old_root, root, [*proof, wrong])
    assert not merkle.verify_consistency(old, size, old_root, root, proof[:-1])
    at = data.draw(st.integers(0, len(proof) - 1))
    changed = [*proof[:at], wrong, *proof[at + 1 :]]
    assert not merkle.verify_consistency(old, size, old_root, root, changed)


def test_the_ends_of_a_log_are_told_apart() -> None:
    tree = tree_of(leaves_of(5))
    root = merkle.root(5, tree.node)
    assert merkle.consistency(0, 5, tree.node) == merkle.consistency(5, 5, tree.node) == []
    assert merkle.verify_consistency(0, 5, merkle.EMPTY_ROOT, root, [])
    assert not merkle.verify_consistency(0, 5, root, root, [])
    assert not merkle.verify_consistency(5, 5, merkle.EMPTY_ROOT, root, [])
    assert not merkle.verify_consistency(6, 5, root, root, [])
    for index, size in ((5, 5), (-1, 5), (0, 0)):
        assert not merkle.verify_inclusion(root, index, size, [], root)
        with pytest.raises(Invalid):
            merkle.inclusion(index, size, tree.node)
    with pytest.raises(Invalid):
        merkle.consistency(6, 5, tree.node)
