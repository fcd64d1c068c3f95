"""Changes of a store that stands: other keys, another address, other terms."""

from __future__ import annotations

from itertools import islice
from typing import Any

from django.db import transaction

from catalog.selectors import manifest_entries
from core.errors import Conflict, Invalid, NotFound
from governance import audit
from governance.engine.entities import MESH, Action, Principal
from governance.services import require
from movement.models import ReplicaState, Store, StoreKind
from movement.opening import open_anew, seal_credentials
from movement.services.stores import TERMS, need_well, note_probe
from movement.stores.protocol import Store as ObjectStore

_KEYS = frozenset({"access_key", "secret_key"})
_LOOKS = 5
"""Replicas that are looked for at a new address, one file of each."""


def change_store(actor: Principal, name: str, **changes: Any) -> Store:
    """Change what is given, after the store answered at its new address with its new keys.

    `changes` holds endpoint, access_key with secret_key, and whatever of `TERMS`. Nothing is
    written when the store refuses or does not answer, nor when nothing of what should lie there
    does. Every worker opens the store anew from then on.
    """
    require(actor, Action.ADMINISTER, MESH)
    store = Store.objects.select_related("site").filter(name=name).first()
    if store is None:
        raise NotFound(f"There is no store {name!r}.")
    before = store.updated_at
    fields = [*_place(store, changes), *_terms(store, changes)]
    if not fields:
        raise Invalid("Say what is to change of the store.")
    with transaction.atomic():
        decision = require(actor, Action.ADMINISTER, MESH)
        if not Store.objects.select_for_update().filter(pk=store.pk, updated_at=before).exists():
            raise Conflict(f"The store {name} was changed meanwhile; look at it and try again.")
        store.save(update_fields=[*fields, "updated_at"])
        terms = {term: _told(changes[term]) for term in TERMS if term in changes}
        audit.record(actor, "change-store", name, decision, changed=sorted(changes), **terms)
    return store


def _place(store: Store, changes: dict[str, Any]) -> list[str]:
    """Set where a store is and how it is opened, if it answers there; return what was set."""
    keys = _KEYS & changes.keys()
    if not keys and "endpoint" not in changes:
        return []
    if store.kind == StoreKind.DIRECTORY:
        raise Invalid("A directory has neither an endpoint nor keys.")
    if keys and store.kind != StoreKind.S3:
        raise Invalid("An HTTP store is read without keys.")
    if keys and keys != _KEYS:
        raise Invalid("Give access_key and secret_key together.")
    if keys:
        store.credentials_sealed = seal_credentials(changes["access_key"], changes["secret_key"])
    store.endpoint = changes.get("endpoint", store.endpoint)
    opened = open_anew(store)
    noted = note_probe(store, need_well(opened.probe()))
    if "endpoint" in changes:
        _look_for_ours(store, opened)
    return ["endpoint", "credentials_sealed", *noted]


def _look_for_ours(store: Store, opened: ObjectStore) -> None:
    """Raise Conflict when nothing of what should lie in a store is at its new address."""
    replicas = store.replicas.filter(state=ReplicaState.COMPLETE).select_related("version")
    files = [
        replica.base + entry.path
        for replica in replicas.order_by("-since")[:_LOOKS]
        for entry in islice(manifest_entries(replica.version), 1)
    ]
    if files and not any(opened.stat(key) for key in files):
        raise Conflict(
            f"What is at {opened.label} is another store: it holds nothing of {store.name}. "
            "Register it as a new store, or copy the objects there first."
        )


def _terms(store: Store, changes: dict[str, Any]) -> list[str]:
    """Set what an operator says of a store; return what was set."""
    fields = [term for term in TERMS if term in changes]
    for term in fields:
        setattr(store, term, changes[term])
    return fields


def _told(value: Any) -> str | int | None:
    return value if value is None or isinstance(value, int) else str(value)
