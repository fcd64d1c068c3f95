"""The mesh's anchor key and the domain keys it delegates to."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from core import vault
from core.names import Name
from core.seal import Envelope, Signer, delegate
from governance.engine.naming import Violation
from governance.models import SigningKey
from governance.services import naming
from governance.standing import naming_of

_PURPOSE = "signing key"
_ANCHOR = "/"
ANCHOR_LIFE = timedelta(days=3650)
DOMAIN_KEY_LIFE = timedelta(days=825)


def anchor_key() -> SigningKey:
    """Return the trust anchor, made at first use."""
    return _live(_ANCHOR) or _create(_ANCHOR, None)


def anchor_signer() -> Signer:
    """Return the signer of what the mesh says of itself: delegations, and its audit log."""
    return _open(anchor_key())


def signer_for(name: Name) -> Signer:
    """Return the signer of a name: the key of its top domain, made at first use.

    Where a naming policy has a trust schema it is the highest key that the schema lets sign;
    raises NamingRefused when there is none.
    """
    rules = naming_of(str(name.product_name))
    refused: list[Violation] = []
    for depth in range(1, len(name.domain) + 1):
        prefix = str(Name(name.domain[:depth]))
        live = _live(prefix)
        key_id = naming.ANY_ID if live is None else live.key_id
        broken = naming.key_violations(rules, prefix, key_id, str(name))
        if not broken:
            return _open(live or _create(prefix, anchor_key()))
        refused = refused or broken
    naming.refuse_key(str(name), refused)
    raise AssertionError("a name has a domain")


def delegations_for(*names: str) -> list[Envelope]:
    """Return every delegation ever made, or those that can have sealed one of the names.

    Old ones too: old seals stay verifiable.
    """
    keys = SigningKey.objects.filter(delegation__isnull=False).order_by("created_at")
    if names:
        domains = [Name.parse(name).domain for name in names]
        above = {str(Name(d[:depth])) for d in domains for depth in range(1, len(d) + 1)}
        keys = keys.filter(prefix__in=above)
    return [key.delegation for key in keys if key.delegation is not None]


def _live(prefix: str) -> SigningKey | None:
    return SigningKey.objects.filter(
        prefix=prefix, retired_at__isnull=True, expires_at__gt=timezone.now()
    ).first()


def _create(prefix: str, parent: SigningKey | None) -> SigningKey:
    signer = Signer.generate()
    now = timezone.now()
    expires = now + (ANCHOR_LIFE if parent is None else DOMAIN_KEY_LIFE)
    statement = parent and delegate(
        _open(parent), signer.public, prefix, issued=now, expires=expires
    )
    sealed = vault.seal_secret(signer.to_bytes(), secret=settings.SECRET_KEY, purpose=_PURPOSE)
    try:
        with transaction.atomic():
            SigningKey.objects.filter(prefix=prefix, retired_at__isnull=True).update(retired_at=now)
            return SigningKey.objects.create(
                key_id=signer.key_id,
                prefix=prefix,
                public=signer.public,
                private_sealed=sealed,
                delegation=statement,
                expires_at=expires,
            )
    except IntegrityError:
        made_meanwhile = _live(prefix)
        if made_meanwhile is None:
            raise
        return made_meanwhile


def _open(key: SigningKey) -> Signer:
    return Signer.from_bytes(
        vault.open_secret(key.private_sealed, secret=settings.SECRET_KEY, purpose=_PURPOSE)
    )
