"""Signed notes and the checkpoints of logs: a few lines of text that a person can read.

A checkpoint says that a log of this name has this many entries and this root. Its text cannot be
taken for what is signed in a seal: that begins with `DSSEv1`, this with the name of the log.

Source: C2SP signed-note and tlog-checkpoint (Ed25519, signature type 0x01).
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from core.errors import IntegrityBroken
from core.seal import Signer

_ED25519 = b"\x01"
_DASH = "\N{EM DASH}"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself at one moment."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The lines that are signed, each with its end."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def sign_checkpoint(signer: Signer, checkpoint: Checkpoint) -> str:
    """Return the checkpoint as a note that bears the signature of the log's own name."""
    public = signer.private.public_key().public_bytes_raw()
    signature = _key_hash(checkpoint.origin, public) + signer.private.sign(checkpoint.text.encode())
    encoded = base64.b64encode(signature).decode()
    return f"{checkpoint.text}\n{_DASH} {checkpoint.origin} {encoded}\n"


def open_checkpoint(note: str, public: str) -> Checkpoint:
    """Return the checkpoint when the key `public` (base64) signed it; raise IntegrityBroken."""
    try:
        text, _, signatures = note.partition("\n\n")
        origin, size, root = text.split("\n")
        checkpoint = Checkpoint(origin, int(size), base64.b64decode(root, validate=True))
        raw = base64.b64decode(public)
        mark, name, encoded = signatures.split("\n")[0].split(" ")
        signature = base64.b64decode(encoded, validate=True)
        if (mark, name, signature[:4]) != (_DASH, origin, _key_hash(origin, raw)):
            raise ValueError("another key or another name signed it")
        Ed25519PublicKey.from_public_bytes(raw).verify(signature[4:], checkpoint.text.encode())
    except (ValueError, InvalidSignature) as error:
        raise IntegrityBroken("The checkpoint of the log is not signed as it must be.") from error
    return checkpoint


def _key_hash(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]
