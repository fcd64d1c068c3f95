"""Secrets at rest: sealed with a key derived from the installation's secret, per purpose.

Used for signing keys and store credentials, so that a copy of the database alone opens nothing.
"""

from __future__ import annotations

import base64
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.errors import Invalid

_NONCE_BYTES = 12


def _cipher(secret: str, purpose: str) -> AESGCM:
    derived = HKDF(SHA256(), 32, salt=None, info=b"fairmesh/" + purpose.encode())
    return AESGCM(derived.derive(secret.encode()))


def seal_secret(plain: bytes, *, secret: str, purpose: str) -> str:
    """Return `plain` encrypted (AES-256-GCM) as base64; the purpose must be told to open it."""
    nonce = os.urandom(_NONCE_BYTES)
    boxed = _cipher(secret, purpose).encrypt(nonce, plain, purpose.encode())
    return base64.b64encode(nonce + boxed).decode()


def open_secret(boxed: str, *, secret: str, purpose: str) -> bytes:
    """Return what `seal_secret` was given; raise Invalid when the secret is another one."""
    try:
        raw = base64.b64decode(boxed)
        return _cipher(secret, purpose).decrypt(
            raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], purpose.encode()
        )
    except (InvalidTag, ValueError) as error:
        raise Invalid(
            f"A stored {purpose} cannot be opened: FAIRMESH_SECRET_KEY is not the one it was "
            "stored with."
        ) from error
