"""Checks seals: DSSE envelopes, delegations and headers, from docs/reference/seal.md alone."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from fairmesh.errors import UsageError, VerificationFailed
from fairmesh.names import is_under, split_name

HEADER_TYPE = "application/vnd.fairmesh.header.v1+json"
DELEGATION_TYPE = "application/vnd.fairmesh.delegation.v1+json"

Json = dict[str, Any]


@dataclass(frozen=True)
class Anchor:
    """The public key that everything of a mesh is trusted by."""

    public: str
    """32 bytes as standard base64."""

    @property
    def key_id(self) -> str:
        return key_id(self.public)

    @classmethod
    def parse(cls, text: str) -> Anchor:
        """Read an anchor from base64, or from the JSON of `/.well-known/fairmesh/trust.json`."""
        public = text.strip()
        if public.startswith("{"):
            try:
                public = str(json.loads(public)["anchor"]["public"])
            except (ValueError, KeyError, TypeError) as error:
                raise UsageError("The trust document holds no anchor with a public key.") from error
        try:
            raw = _decode(public)
        except ValueError as error:
            raise UsageError("The anchor is not base64.") from error
        if len(raw) != 32:
            raise UsageError(f"The anchor has {len(raw)} bytes; an Ed25519 public key has 32.")
        return cls(public)


@dataclass(frozen=True)
class Sealed:
    """A header whose signature holds, and the digest by which other versions cite it."""

    header: Json
    digest: str


def key_id(public: str) -> str:
    """Return `sha256:` and the hexadecimal sha256 of the 32 key bytes."""
    return "sha256:" + hashlib.sha256(base64.b64decode(public)).hexdigest()


def verify_header(envelope: Json, delegations: Iterable[Json], anchor: Anchor) -> Sealed:
    """Return the header when the chain anchor → delegated key → header holds.

    Every delegation shown must be signed by the anchor; one of them must cover the header's key,
    name and time. Raises VerificationFailed with the link that breaks.
    """
    reason = "No delegation of the anchor names the key that made this seal."
    for header, payload, delegation in opened(envelope, HEADER_TYPE, delegations, anchor):
        problem = _uncovered(header, delegation)
        if problem is None:
            return Sealed(header, "sha256:" + hashlib.sha256(payload).hexdigest())
        reason = problem
    raise VerificationFailed(reason)


def opened(
    envelope: Json, payload_type: str, delegations: Iterable[Json], anchor: Anchor
) -> Iterator[tuple[Json, bytes, Json]]:
    """Yield the payload and its bytes with each delegation of a key that signed the envelope.

    Whether the delegation covers what is said is the caller's to check. Raises VerificationFailed
    for a delegation that the anchor did not sign and for a signature that does not hold.
    """
    signers = _signers(envelope)
    for statement in delegations:
        delegation, _ = _open(statement, DELEGATION_TYPE, anchor.public)
        public = delegation.get("public")
        if isinstance(public, str) and _id_of(public) in signers:
            yield *_open(envelope, payload_type, public), delegation


def opened_by_anchor(envelope: Json, payload_type: str, anchor: Anchor) -> Json | None:
    """Return the payload when the anchor itself signed it; None when it is another's."""
    if anchor.key_id not in _signers(envelope):
        return None
    return _open(envelope, payload_type, anchor.public)[0]


def _uncovered(header: Mapping[str, Any], delegation: Mapping[str, Any]) -> str | None:
    """Return why the delegation does not cover the header, or None when it does."""
    try:
        name, prefix = header["name"], delegation["prefix"]
        signed = datetime.fromisoformat(header["published"])
        issued = datetime.fromisoformat(delegation["issued"])
        expires = datetime.fromisoformat(delegation["expires"])
        number, path = split_name(name)[1:]
        in_time = issued <= signed <= expires
    except (KeyError, TypeError, ValueError, UsageError) as error:
        return f"The header or its delegation lacks what is needed to check it: {error}."
    if header.get("type") != "fairmesh.version" or number is None or path is not None:
        return f"The header is of {name!r}, which is not a version."
    if prefix == "/" or not is_under(name, prefix):
        return f"The key that sealed {name} may only sign under {prefix}."
    if not in_time:
        return (
            f"{name} was sealed at {header['published']}, outside the time its key was "
            f"delegated for ({delegation['issued']} to {delegation['expires']})."
        )
    return None


def _signers(envelope: Json) -> set[str]:
    try:
        return {str(signature["keyid"]) for signature in envelope["signatures"]}
    except (KeyError, TypeError) as error:
        raise VerificationFailed("The seal is not a DSSE envelope.") from error


def _id_of(public: str) -> str | None:
    try:
        return key_id(public)
    except ValueError:
        return None


def _open(envelope: Json, payload_type: str, public: str) -> tuple[Json, bytes]:
    """Return the payload and its bytes when `public` signed it as `payload_type`."""
    try:
        payload = _decode(envelope["payload"])
        signatures = {s["keyid"]: _decode(s["sig"]) for s in envelope["signatures"]}
        found_type = envelope["payloadType"]
        signature = signatures[key_id(public)]
        key = Ed25519PublicKey.from_public_bytes(_decode(public))
        key.verify(signature, _pae(payload_type, payload))
        value = json.loads(payload)
    except InvalidSignature as error:
        raise VerificationFailed("The signature does not hold: the seal was altered.") from error
    except (KeyError, TypeError, ValueError) as error:
        raise VerificationFailed("The seal is damaged, or another key signed it.") from error
    if found_type != payload_type or not isinstance(value, dict):
        raise VerificationFailed(f"The envelope is a {found_type!r}, not a {payload_type!r}.")
    return value, payload


def _pae(payload_type: str, payload: bytes) -> bytes:
    """Return what is signed. Source: DSSE v1.0.2 protocol, PAE."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _decode(text: str) -> bytes:
    """Decode base64 that is spelled in the one standard way; raise ValueError otherwise."""
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error
    if base64.b64encode(raw).decode() != text:
        raise ValueError("the base64 is not in its standard spelling")
    return raw
