from __future__ import annotations

import base64
import copy
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import IntegrityBroken, Invalid
from core.seal import (
    DELEGATION_TYPE,
    HEADER_TYPE,
    Signer,
    delegate,
    open_envelope,
    sign,
    verify_header,
)

ANCHOR, KEY, OTHER = Signer.generate(), Signer.generate(), Signer.generate()
NOW = datetime(2026, 5, 1, tzinfo=UTC)


def header(name: str = "/acme/~/wiki/v=1", at: datetime = NOW) -> dict[str, Any]:
    return {"name": name, "published": at.isoformat(), "manifest": {"root": "sha256:0"}}


def delegation(prefix: str = "/acme", signer: Signer = ANCHOR, key: Signer = KEY) -> dict[str, Any]:
    day = timedelta(days=1)
    return delegate(signer, key.public, prefix, issued=NOW - day, expires=NOW + day)


def verified(sealed: dict[str, Any], *delegations: dict[str, Any]) -> dict[str, Any]:
    return verify_header(sealed, delegations, ANCHOR.public)


def test_the_chain_from_anchor_to_header_holds() -> None:
    sealed = sign(KEY, HEADER_TYPE, header())
    assert verified(sealed, delegation("/beta", key=OTHER), delegation()) == header()


@pytest.mark.parametrize(
    ("sealed", "statement"),
    [
        (sign(KEY, HEADER_TYPE, header("/beta/~/wiki/v=1")), delegation()),
        (sign(KEY, HEADER_TYPE, header("/acmecorp/~/wiki/v=1")), delegation()),
        (sign(KEY, HEADER_TYPE, header("/acme/~/wiki/v=1")), delegation("/acme/nlp")),
        (sign(KEY, HEADER_TYPE, header(at=NOW + timedelta(days=2))), delegation()),
        (sign(KEY, HEADER_TYPE, header(at=NOW - timedelta(days=2))), delegation()),
        (sign(OTHER, HEADER_TYPE, header()), delegation()),
        (sign(KEY, HEADER_TYPE, header()), delegation(signer=OTHER)),
        (sign(KEY, HEADER_TYPE, header()), delegation(signer=KEY)),
        (sign(KEY, DELEGATION_TYPE, header()), delegation()),
        (sign(KEY, HEADER_TYPE, {"name": "/acme/~/wiki/v=1"}), delegation()),
        (sign(KEY, HEADER_TYPE, {"published": NOW.isoformat()}), delegation()),
        (sign(KEY, HEADER_TYPE, {**header(), "published": "2026-05-01T00:00:00"}), delegation()),
        ({}, delegation()),
        ({"signatures": "x"}, delegation()),
        (sign(KEY, HEADER_TYPE, header()), {}),
        (sign(KEY, HEADER_TYPE, header()), sign(ANCHOR, DELEGATION_TYPE, {"public": KEY.public})),
    ],
)
def test_a_broken_link_is_refused(sealed: dict[str, Any], statement: dict[str, Any]) -> None:
    with pytest.raises(IntegrityBroken):
        verified(sealed, statement)


def test_without_a_delegation_nothing_is_believed() -> None:
    with pytest.raises(IntegrityBroken):
        verified(sign(ANCHOR, HEADER_TYPE, header()))


def test_the_whole_tree_is_never_delegated() -> None:
    with pytest.raises(Invalid):
        delegation("/")


@given(st.data())
def test_one_changed_byte_anywhere_is_found(data: st.DataObject) -> None:
    sealed = sign(KEY, HEADER_TYPE, header())
    member = data.draw(st.sampled_from(["payload", "sig"]))
    holder = sealed if member == "payload" else sealed["signatures"][0]
    raw = bytearray(base64.b64decode(holder[member]))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    holder[member] = base64.b64encode(bytes(raw)).decode()
    with pytest.raises(IntegrityBroken):
        verified(sealed, delegation())


def test_a_signature_is_good_for_one_type_of_document() -> None:
    sealed = sign(KEY, HEADER_TYPE, header())
    retold = copy.deepcopy(sealed) | {"payloadType": DELEGATION_TYPE}
    for envelope, kind in ((retold, DELEGATION_TYPE), (retold, HEADER_TYPE)):
        with pytest.raises(IntegrityBroken):
            open_envelope(envelope, kind, KEY.public)


def test_the_signed_bytes_are_those_of_dsse() -> None:
    """Source: DSSE v1, protocol.md: PAE("", …) with lengths in decimal."""
    sealed = sign(KEY, "a/b", {"x": 1})
    pae = b'DSSEv1 3 a/b 7 {"x":1}'
    KEY.private.public_key().verify(base64.b64decode(sealed["signatures"][0]["sig"]), pae)


def test_a_private_key_is_never_shown() -> None:
    secret = base64.b64encode(KEY.to_bytes()).decode()
    assert secret not in repr(KEY)
    assert KEY.to_bytes().hex() not in repr(KEY)
    assert secret not in json.dumps(sign(KEY, HEADER_TYPE, header()))
    assert Signer.from_bytes(KEY.to_bytes()).public == KEY.public
