"""Addresses of bytes: presigned by the store that can, signed by us for the store that cannot.

Our own key is bound to one version, store and path, and is good for `presign_seconds`. Source:
django.core.signing.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, SignatureExpired, TimestampSigner

from core.errors import NotAuthenticated, TokenExpired
from core.names import encode_path
from movement.models import Replica
from movement.opening import open_store

_SALT = "movement.content"


def address_of(replica: Replica, path: str) -> str:
    """Return where one file of a replica is read, without any further credential, for a while."""
    seconds = settings.FAIRMESH.presign_seconds
    presigned = open_store(replica.store).presign_get(replica.base + path, seconds)
    if presigned is not None:
        return presigned
    key = _sign(replica.version_id, replica.store.name, path)
    query = urlencode({"store": replica.store.name, "key": key}, quote_via=quote)
    return f"/api/v1/versions/{replica.version_id}/content/{encode_path(path)}?{query}"


def _sign(version_id: UUID, store: str, path: str) -> str:
    bound = _bound(version_id, store, path)
    return TimestampSigner(salt=_SALT).sign(bound).removeprefix(f"{bound}:")


def _bound(version_id: UUID, store: str, path: str) -> str:
    return "\n".join((str(version_id), store, path))


def check_key(key: str, version_id: UUID, store: str, path: str) -> None:
    """Raise unless `key` was made for just this file in just this store, not too long ago."""
    signed = f"{_bound(version_id, store, path)}:{key}"
    try:
        TimestampSigner(salt=_SALT).unsign(signed, max_age=settings.FAIRMESH.presign_seconds)
    except SignatureExpired as error:
        raise TokenExpired("The address has expired; resolve the name again.") from error
    except BadSignature as error:
        raise NotAuthenticated("The key of this address was not made for this file.") from error
