"""Merkle trees over logs: one root says everything, and short proofs say how it came to be.

A proof of inclusion shows that an entry stands in a log of some size; a proof of consistency
shows that a longer log begins with a shorter one. Both take O(log n) hashes. Hashes are the 32
bytes of sha256; a *leaf* is the hash of an entry, not the entry.

Source: RFC 9162 section 2.1, whose tree is that of RFC 6962.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence

from core.errors import Invalid

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

Node = Callable[[int, int], bytes]
"""From (level, number) to the hash of a complete subtree: leaves number·2^level and on."""


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes, level by level: O(n) hashes and no recursion.

    A node without a partner goes up unchanged, which is the tree of RFC 9162: its left part is
    always the largest complete subtree.
    """
    row = list(leaves)
    if not row:
        return EMPTY_ROOT
    sha256 = hashlib.sha256
    while len(row) > 1:
        pairs = iter(row)
        above = [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs)]  # noqa: B905 - the odd one is added below
        if len(row) % 2:
            above.append(row[-1])
        row = above
    return row[0]


def root(size: int, node: Node) -> bytes:
    """Return the root of the first `size` leaves from O(log n) stored subtrees."""
    return _span(0, size, node) if size else EMPTY_ROOT


def inclusion(index: int, size: int, node: Node) -> list[bytes]:
    """Return the proof that the leaf at `index` stands in the tree of `size` leaves."""
    if not 0 <= index < size:
        raise Invalid(f"A log of {size} entries has no entry {index}.", size=size, index=index)
    siblings = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            siblings.append(_span(middle, end, node))
            end = middle
        else:
            siblings.append(_span(start, middle, node))
            start = middle
    return siblings[::-1]


def consistency(old: int, new: int, node: Node) -> list[bytes]:
    """Return the proof that the tree of `new` leaves begins with the tree of `old` leaves."""
    if not 0 <= old <= new:
        raise Invalid(f"A log of {new} entries was never {old} long.", size=new, old=old)
    if old in (0, new):
        return []
    parts = []
    start, end, known = 0, new, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            parts.append(_span(middle, end, node))
            end = middle
        else:
            parts.append(_span(start, middle, node))
            start, known = middle, False
    if not known:
        parts.append(_span(start, end, node))
    return parts[::-1]


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected: bytes
) -> bool:
    """Say whether `proof` leads from the leaf to the root. Source: RFC 9162 section 2.1.3.2."""
    if not 0 <= index < size:
        return False
    here, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if here & 1 or here == last:
            found = node_hash(sibling, found)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        here, last = here >> 1, last >> 1
    return last == 0 and found == expected


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Say whether `proof` leads from one root to the other. Source: RFC 9162 section 2.1.4.2."""
    if not 0 <= old <= new:
        return False
    if old in (0, new):
        first = EMPTY_ROOT if old == 0 else new_root
        return not proof and old_root == first
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    here, last = old - 1, new - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    before = after = path[0]
    for part in path[1:]:
        if last == 0:
            return False
        if here & 1 or here == last:
            before, after = node_hash(part, before), node_hash(part, after)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            after = node_hash(after, part)
        here, last = here >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root


def _split(count: int) -> int:
    """Return the largest power of two below `count`, which is at least 2."""
    return 1 << (count - 1).bit_length() - 1


def _span(start: int, end: int, node: Node) -> bytes:
    """Return the hash of the leaves from `start` to `end`, a part of the tree that begins there."""
    found = b""
    for level, number in reversed(list(_complete(start, end))):
        part = node(level, number)
        found = node_hash(part, found) if found else part
    return found


def _complete(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the complete subtrees, the largest first, that make up a span."""
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level
