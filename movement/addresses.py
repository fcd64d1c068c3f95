"""Addresses of bytes and rows: presigned by the store that can, signed by us for all else.

Our own key is bound to one file and to who asked for it, for what and from where. It is good for
`presign_seconds`, and what it opens is decided anew at every use, so that a grant that ended or an
obligation that began since holds for it as well. Source: django.core.signing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from django.conf import settings
from django.core import signing

from core.errors import NotAuthenticated, TokenExpired
from core.names import encode_path
from governance.engine.entities import ANONYMOUS, Action, Principal, Scope
from governance.models import User
from governance.selectors import principal_for
from movement.models import Replica
from movement.opening import open_store

_SALTS = {"content": "movement.content", "rows": "movement.rows"}
_Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads, for what, from where."""

    principal: Principal
    purpose: str = ""
    site: str = ""


def address_of(replica: Replica, path: str, reader: Reader) -> str:
    """Return where one file of a replica is read, without any further credential, for a while."""
    seconds = settings.FAIRMESH.presign_seconds
    presigned = open_store(replica.store).presign_get(replica.base + path, seconds)
    if presigned is not None:
        return presigned
    store = replica.store.name
    key = _sign("content", [str(replica.version_id), store, path], reader)
    query = urlencode({"store": store, "key": key}, quote_via=quote)
    return f"/api/v1/versions/{replica.version_id}/content/{encode_path(path)}?{query}"


def rows_address(version_id: UUID, path: str, reader: Reader) -> str:
    """Return where the rows of one file are read as they may be seen, for a while."""
    key = _sign("rows", [str(version_id), path], reader)
    query = urlencode({"key": key}, quote_via=quote)
    return f"/api/v1/versions/{version_id}/rows/{encode_path(path)}?{query}"


def reader_of_content(key: str, version_id: UUID, store: str, path: str) -> Reader:
    """Return for whom `key` was made; raise unless it is for just this file in this store."""
    return _opened("content", key, [str(version_id), store, path])


def reader_of_rows(key: str, version_id: UUID, path: str) -> Reader:
    return _opened("rows", key, [str(version_id), path])


def _sign(what: str, bound: Sequence[str], reader: Reader) -> str:
    told = {
        "to": list(bound),
        "who": _told(reader.principal),
        "for": reader.purpose,
        "at": reader.site,
    }
    return signing.dumps(told, salt=_SALTS[what], compress=True)


def _opened(what: str, key: str, bound: Sequence[str]) -> Reader:
    try:
        told = signing.loads(key, salt=_SALTS[what], max_age=settings.FAIRMESH.presign_seconds)
    except signing.SignatureExpired as error:
        raise TokenExpired("The address has expired; resolve the name again.") from error
    except signing.BadSignature as error:
        raise NotAuthenticated("The key of this address was not made for this file.") from error
    if told["to"] != list(bound):
        raise NotAuthenticated("The key of this address was not made for this file.")
    return Reader(_as_they_are_now(told["who"]), told["for"], told["at"])


def _told(principal: Principal) -> _Json:
    """Return who a principal is, with what narrows them: not what they may do."""
    scopes, person = principal.scopes, principal.on_behalf_of
    return {
        "id": principal.id,
        "scopes": None if scopes is None else [[sorted(s.actions), s.prefix] for s in scopes],
        "person": None if person is None else _told(person),
    }


def _as_they_are_now(told: _Json) -> Principal:
    """Return the principal with the groups, teams and roles of today."""
    if told["id"] == ANONYMOUS.id:
        return ANONYMOUS
    user = User.objects.filter(username=told["id"], is_active=True).first()
    if user is None:
        raise NotAuthenticated("Whoever this address was made for is no longer here.")
    scopes, person = told["scopes"], told["person"]
    return replace(
        principal_for(user),
        scopes=None if scopes is None else tuple(_scope(*each) for each in scopes),
        on_behalf_of=None if person is None else _as_they_are_now(person),
    )


def _scope(actions: Sequence[str], prefix: str) -> Scope:
    return Scope(frozenset(Action(action) for action in actions), prefix)
