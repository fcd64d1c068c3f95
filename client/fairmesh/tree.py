"""Merkle trees and signed checkpoints, from docs/reference/audit.md alone."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from fairmesh.errors import VerificationFailed
from fairmesh.seal import Anchor

EMPTY_ROOT = hashlib.sha256(b"").digest()
_DASH = "\N{EM DASH}"


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def _node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes, level by level; one without a partner goes up as it is."""
    row = list(leaves) or [EMPTY_ROOT]
    sha256 = hashlib.sha256
    while len(row) > 1:
        odd = row[-1:] if len(row) % 2 else []
        pairs = iter(row)
        row = [sha256(b"\x01" + one + two).digest() for one, two in zip(pairs, pairs)] + odd  # noqa: B905 - the odd one is added
    return row[0]


def includes(leaf: bytes, position: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Say whether the proof leads from the leaf to the root. Source: RFC 9162 section 2.1.3.2."""
    if not 0 <= position < size:
        return False
    here, last, found = position, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if here & 1 or here == last:
            found = _node_hash(sibling, found)
            while here and not here & 1:
                here, last = here >> 1, last >> 1
        else:
            found = _node_hash(found, sibling)
        here, last = here >> 1, last >> 1
    return last == 0 and found == root


def continues(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Say whether the newer log begins with the older. Source: RFC 9162 section 2.1.4.2."""
    if not 0 <= old <= new:
        return False
    if old in (0, new):
        return not proof and old_root == (new_root if old else EMPTY_ROOT)
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
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
            before, after = _node_hash(part, before), _node_hash(part, after)
            while here and not here & 1:
                here, last = here >> 1, last >> 1
        else:
            after = _node_hash(after, part)
        here, last = here >> 1, last >> 1
    return last == 0 and (before, after) == (old_root, new_root)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How long a log is and what its root is, as a signed note says it."""

    origin: str
    size: int
    root: bytes
    note: str

    @classmethod
    def read(cls, note: str, anchor: Anchor | None = None) -> Checkpoint:
        """Read a note, and check the anchor's signature unless it was checked before.

        Raises VerificationFailed.
        """
        try:
            text, _, signature = note.partition("\n\n")
            origin, size, root = text.split("\n")
            if not size.isascii() or not size.isdigit() or str(int(size)) != size:
                raise ValueError("its size is not in decimal")
            found = cls(origin, int(size), base64.b64decode(root, validate=True), note)
            if len(found.root) != 32:
                raise ValueError("its root has not 32 bytes")
            if anchor is not None:
                _check_signature(f"{text}\n", origin, signature, anchor)
        except ValueError as error:
            raise VerificationFailed(f"The checkpoint is damaged: {error}.") from error
        except InvalidSignature as error:
            raise VerificationFailed("The signature of the checkpoint does not hold.") from error
        return found


def _check_signature(text: str, origin: str, signature: str, anchor: Anchor) -> None:
    mark, name, encoded = signature.split("\n")[0].split(" ")
    raw, public = base64.b64decode(encoded, validate=True), base64.b64decode(anchor.public)
    key_hash = hashlib.sha256(origin.encode() + b"\n\x01" + public).digest()[:4]
    if (mark, name) != (_DASH, origin) or raw[:4] != key_hash:
        raise ValueError("another key than the anchor signed it")
    Ed25519PublicKey.from_public_bytes(public).verify(raw[4:], text.encode())
