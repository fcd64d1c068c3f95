"""Seals: Ed25519 signatures in DSSE envelopes, and who may sign under which prefix.

A mesh has one anchor key. The anchor signs *delegations*: this key may sign under this prefix
until then. A domain's key signs the headers of its versions. Whoever holds the anchor's public
key verifies a version from a disk or a stranger's store, off-line. The format is written down in
docs/reference/seal.md; the client in client/fairmesh verifies it on its own.

Source: DSSE v1.0.2 protocol (PAE), RFC 8032 (Ed25519), RFC 8785 (canonical JSON).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from core.canonical import canonical_json
from core.digests import sha256_digest
from core.errors import IntegrityBroken, Invalid
from core.names import is_under

HEADER_TYPE = "application/vnd.fairmesh.header.v1+json"
DELEGATION_TYPE = "application/vnd.fairmesh.delegation.v1+json"
ERASURE_TYPE = "application/vnd.fairmesh.erasure.v1+json"

Envelope = dict[str, Any]


@dataclass(frozen=True)
class Signer:
    """A private key; its id is the digest of its public half. Never shown by repr."""

    private: Ed25519PrivateKey

    @classmethod
    def generate(cls) -> Signer:
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_bytes(cls, raw: bytes) -> Signer:
        return cls(Ed25519PrivateKey.from_private_bytes(raw))

    def to_bytes(self) -> bytes:
        return self.private.private_bytes_raw()

    @property
    def public(self) -> str:
        """The public key, 32 bytes as standard base64."""
        return base64.b64encode(self.private.public_key().public_bytes_raw()).decode()

    @property
    def key_id(self) -> str:
        return key_id(self.public)

    def __repr__(self) -> str:
        return f"Signer({self.key_id})"


def key_id(public: str) -> str:
    return sha256_digest(base64.b64decode(public))


def _pae(payload_type: str, payload: bytes) -> bytes:
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sign(signer: Signer, payload_type: str, value: Mapping[str, Any]) -> Envelope:
    """Return a DSSE envelope over the canonical JSON of `value`."""
    payload = canonical_json(dict(value))
    signature = signer.private.sign(_pae(payload_type, payload))
    return {
        "payloadType": payload_type,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": signer.key_id, "sig": base64.b64encode(signature).decode()}],
    }


def open_envelope(envelope: Envelope, payload_type: str, public: str) -> dict[str, Any]:
    """Return the payload when `public` signed it; raise IntegrityBroken otherwise."""
    try:
        payload = base64.b64decode(envelope["payload"], validate=True)
        signatures = {s["keyid"]: base64.b64decode(s["sig"]) for s in envelope["signatures"]}
        found_type = envelope["payloadType"]
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public))
        key.verify(signatures[key_id(public)], _pae(payload_type, payload))
        value = json.loads(payload)
    except (KeyError, TypeError, ValueError, InvalidSignature) as error:
        raise IntegrityBroken("The signature of the seal does not hold.") from error
    if found_type != payload_type or not isinstance(value, dict):
        raise IntegrityBroken(f"The seal is a {found_type!r}, not a {payload_type!r}.")
    return value


def stated_name(envelope: Envelope) -> str:
    """Return the name that a sealed header claims; nothing is verified."""
    return str(json.loads(base64.b64decode(envelope["payload"]))["name"])


def delegate(
    parent: Signer, public: str, prefix: str, *, issued: datetime, expires: datetime
) -> Envelope:
    """Return the anchor's statement that the key `public` may sign under `prefix`."""
    if prefix == "/":
        raise Invalid("A delegation names a domain; the whole tree is the anchor's alone.")
    return sign(
        parent,
        DELEGATION_TYPE,
        {
            "public": public,
            "prefix": prefix,
            "issued": issued.astimezone(UTC).isoformat(),
            "expires": expires.astimezone(UTC).isoformat(),
        },
    )


def verify_header(
    envelope: Envelope, delegations: Iterable[Envelope], anchor: str
) -> dict[str, Any]:
    """Return the sealed header when the chain anchor → domain key → header holds.

    The key must have been delegated for a prefix above the header's name and be valid at the
    time the header was signed. Raises IntegrityBroken with the link that breaks.
    """
    try:
        return _verify_chain(envelope, delegations, anchor)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise IntegrityBroken(f"The seal lacks what it must hold: {error}.") from error


def _verify_chain(
    envelope: Envelope, delegations: Iterable[Envelope], anchor: str
) -> dict[str, Any]:
    key_ids = {s.get("keyid") for s in envelope.get("signatures", [])}
    for statement in delegations:
        delegation = open_envelope(statement, DELEGATION_TYPE, anchor)
        if key_id(delegation["public"]) not in key_ids:
            continue
        header = open_envelope(envelope, HEADER_TYPE, delegation["public"])
        if not is_under(header["name"], delegation["prefix"]):
            raise IntegrityBroken(
                f"The key that sealed {header['name']} may only sign under {delegation['prefix']}."
            )
        signed = datetime.fromisoformat(header["published"])
        issued, expires = (datetime.fromisoformat(delegation[k]) for k in ("issued", "expires"))
        if not issued <= signed <= expires:
            raise IntegrityBroken(
                f"{header['name']} was sealed at {header['published']}, outside the time its key "
                "was delegated for."
            )
        return header
    raise IntegrityBroken("No delegation of the anchor names the key that made this seal.")
