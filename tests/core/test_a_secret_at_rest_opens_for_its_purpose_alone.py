from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid
from core.vault import open_secret, seal_secret


@given(st.binary(max_size=100), st.text(min_size=1), st.text(min_size=1))
def test_what_is_sealed_opens_again(plain: bytes, secret: str, purpose: str) -> None:
    boxed = seal_secret(plain, secret=secret, purpose=purpose)
    assert open_secret(boxed, secret=secret, purpose=purpose) == plain
    assert seal_secret(plain, secret=secret, purpose=purpose) != boxed


@pytest.mark.parametrize(("secret", "purpose"), [("other", "store"), ("secret", "signing key")])
def test_another_secret_or_purpose_opens_nothing(secret: str, purpose: str) -> None:
    boxed = seal_secret(b"plain", secret="secret", purpose="store")
    with pytest.raises(Invalid) as caught:
        open_secret(boxed, secret=secret, purpose=purpose)
    assert "plain" not in caught.value.detail


@pytest.mark.parametrize("boxed", ["", "AAAA", "not base64!", base64.b64encode(bytes(40)).decode()])
def test_rubbish_is_told_apart_from_a_crash(boxed: str) -> None:
    with pytest.raises(Invalid):
        open_secret(boxed, secret="secret", purpose="store")


def test_a_changed_box_does_not_open() -> None:
    raw = bytearray(base64.b64decode(seal_secret(b"plain", secret="s", purpose="p")))
    for at in range(len(raw)):
        changed = bytearray(raw)
        changed[at] ^= 1
        with pytest.raises(Invalid):
            open_secret(base64.b64encode(bytes(changed)).decode(), secret="s", purpose="p")
