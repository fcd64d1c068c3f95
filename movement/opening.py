"""From a row to the store itself: credentials are opened here and nowhere else."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from uuid import UUID

from django.conf import settings

from core import vault
from core.errors import Conflict, Invalid, StoreUnavailable
from movement.models import Store, StoreKind
from movement.stores.directory import DirectoryStore
from movement.stores.http import HttpStore
from movement.stores.protocol import Store as ObjectStore
from movement.stores.s3 import S3Store

_PURPOSE = "store credential"


def seal_credentials(access_key: str, secret_key: str) -> str:
    plain = json.dumps([access_key, secret_key]).encode()
    return vault.seal_secret(plain, secret=settings.SECRET_KEY, purpose=_PURPOSE)


def open_store(store: Store) -> ObjectStore:
    """Return the store behind a row. A row that changed gives a new one, so keys can rotate.

    Raise StoreUnavailable when its credentials cannot be opened.
    """
    races = not store.capabilities.get("conditional_put", True)
    return _open(store.pk, store.updated_at.isoformat(), races, store)


@lru_cache(maxsize=256)
def _open(store_id: UUID, changed: str, races: bool, store: Store) -> ObjectStore:
    del store_id, changed
    opened = open_anew(store)
    if races and isinstance(opened, S3Store):
        opened.conditional_put = False
    return opened


def open_anew(store: Store) -> ObjectStore:
    """Return the store that a row describes, saved or not, and keep nothing of it."""
    if store.kind == StoreKind.DIRECTORY:
        return DirectoryStore(Path(store.root))
    if store.kind == StoreKind.HTTP:
        return HttpStore(store.endpoint, private=settings.FAIRMESH.private_http_stores)
    if store.kind == StoreKind.S3:
        access_key, secret_key = _credentials(store)
        return S3Store(
            store.endpoint, store.bucket, store.prefix, access_key, secret_key, store.region
        )
    raise Invalid(f"The store {store.name} is of an unknown kind.")


def _credentials(store: Store) -> tuple[str, str]:
    boxed = store.credentials_sealed
    try:
        plain = vault.open_secret(boxed, secret=settings.SECRET_KEY, purpose=_PURPOSE)
    except Invalid as error:
        mend = "Start with that one again, or give the store its keys anew."
        raise StoreUnavailable(f"{error.detail} {mend}") from error
    access_key, secret_key = json.loads(plain)
    return access_key, secret_key


def is_writable(store: Store) -> bool:
    """Say whether anything may be put there, as far as the last probe knows."""
    return store.kind != StoreKind.HTTP and bool(store.capabilities.get("writable", True))


def need_writable(store: Store) -> None:
    """Raise Conflict for a store that is only read from."""
    if not is_writable(store):
        raise Conflict(
            f"{store.name} is read only: somebody else serves what lies there, or its keys may "
            "only read. Choose another store."
        )


def told(store: Store, text: str) -> str:
    """Return `text` with the store's name for its address, which is for operators alone."""
    for address in (label_of(store), store.endpoint, store.root):
        if address:
            text = text.replace(address, store.name)
    return text


def label_of(store: Store) -> str:
    """Return what the store calls itself in its errors; nothing when it cannot be opened."""
    try:
        return open_store(store).label
    except StoreUnavailable:
        return ""
