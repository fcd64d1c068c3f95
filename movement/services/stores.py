"""Stores: registered by operators, watched by the platform."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from core import outbox
from core.errors import Conflict, Invalid, NotFound, StoreRefused, StoreUnavailable
from governance import audit
from governance.engine.entities import MESH, Action, Principal
from governance.services import require
from movement.models import Site, Store, StoreKind
from movement.opening import open_anew, open_store, seal_credentials, told
from movement.services.bells import look_again
from movement.services.sites import check_slug
from movement.stores.protocol import Capabilities

logger = logging.getLogger(__name__)
TERMS = (
    "tier", "capacity_bytes", "slots", "cost_gb_month", "cost_1000_puts", "cost_1000_gets",
)  # fmt: skip
"""What an operator says of a store beside where it is."""
_PROBED_AT = "probed_at"
_KNOWN_FOR = timedelta(days=1)
"""How long what a store can do is taken as known: looking closely writes and removes objects."""
_ASKED_AT_ONCE = 16
_LOOKED_AT = [
    "endpoint", "bucket", "prefix", "region", "root", "credentials_sealed", "reachable",
    "capabilities", "updated_at",
]  # fmt: skip


def create_store(actor: Principal, *, name: str, site: str, kind: str, **place: Any) -> Store:
    """Register an object store after it answered: its bucket or folder is made when absent.

    `place` is endpoint, bucket, prefix, region, access_key and secret_key of an S3 store; the root
    of a directory, which must lie in the folder that FAIRMESH_HOME keeps for stores; or as endpoint
    the base URL of a web server, which is only ever read from. Whatever of `TERMS` is given goes
    with it.
    """
    require(actor, Action.ADMINISTER, MESH)
    check_slug(name)
    home = Site.objects.filter(name=site).first()
    if home is None:
        raise NotFound(f"There is no site {site!r}.")
    if Store.objects.filter(name=name).exists():
        raise Conflict(f"There is already a store {name!r}.")
    terms = {term: place.pop(term) for term in TERMS if term in place}
    row = Store(name=name, site=home, kind=kind, updated_at=timezone.now(), **terms)
    store = _described(row, place)
    opened = open_anew(store)
    opened.ensure_ready()
    note_probe(store, need_well(opened.probe()))
    with transaction.atomic():
        decision = require(actor, Action.ADMINISTER, MESH)
        store.save(force_insert=True)
        audit.record(actor, "create-store", name, decision, site=site, kind=kind)
    return store


def need_well(found: Capabilities) -> Capabilities:
    """Return what was found of a store that can be used; raise what is wrong with another."""
    problem = found.problem or "The store does not answer."
    if not found.reachable:
        raise StoreUnavailable(problem)
    if not found.ready:
        raise StoreRefused(problem)
    return found


@transaction.atomic
def move_store(actor: Principal, name: str, **place: str) -> Store:
    """Say that an S3 store is reached elsewhere or with other keys; its objects are the same.

    `place` is endpoint, access_key and secret_key.
    """
    decision = require(actor, Action.ADMINISTER, MESH)
    store = Store.objects.select_for_update().filter(name=name, kind=StoreKind.S3).first()
    if store is None:
        raise NotFound(f"There is no S3 store {name!r}.")
    store.endpoint = place["endpoint"]
    store.credentials_sealed = seal_credentials(place["access_key"], place["secret_key"])
    store.save(update_fields=["endpoint", "credentials_sealed", "updated_at"])
    audit.record(actor, "move-store", name, decision)
    return store


def _described(store: Store, place: dict[str, Any]) -> Store:
    if store.kind == StoreKind.DIRECTORY:
        store.root = str(_directory(place.get("root", "")))
        return store
    if store.kind == StoreKind.HTTP:
        if not place.get("endpoint"):
            raise Invalid("An HTTP store needs endpoint, the URL below which its objects are.")
        store.endpoint = place["endpoint"]
        return store
    if store.kind != StoreKind.S3:
        raise Invalid(f"A store is one of {', '.join(StoreKind.values)}.", kind=store.kind)
    missing = [
        key for key in ("endpoint", "bucket", "access_key", "secret_key") if not place.get(key)
    ]
    if missing:
        raise Invalid(f"An S3 store needs {', '.join(missing)}.", missing=missing)
    store.endpoint, store.bucket = place["endpoint"], place["bucket"]
    store.prefix = place.get("prefix", "")
    store.region = place.get("region") or "us-east-1"
    store.credentials_sealed = seal_credentials(place["access_key"], place["secret_key"])
    return store


def _directory(root: str) -> Path:
    """Return the checked folder: a directory store may not reach the platform's own files."""
    allowed = (settings.FAIRMESH.home / "stores").resolve()
    path = (allowed / root).resolve()
    if not root or not path.is_relative_to(allowed) or path == allowed:
        raise Invalid(f"A directory store lies in its own folder below {allowed}.", root=root)
    return path


def check_stores() -> list[Store]:
    """Probe every store and note what answers; return those that do not.

    They are asked side by side and noted as they answer: one that is silent delays no other.
    """
    stores = list(Store.objects.select_related("site").order_by("name"))
    with ThreadPoolExecutor(_ASKED_AT_ONCE) as pool:
        asked = {pool.submit(_ask, store): store for store in stores}
        for answer in as_completed(asked):
            _note(asked[answer], *answer.result())
    return [store for store in stores if store.problem]


def problem_of(store: Store) -> str | None:
    """Ask a store how it is, note that, and return what is wrong; None when nothing is.

    When it is back, an event tells of it, and what waits for it goes on at once.
    The row is read anew: whoever holds it since before a change goes on with what it is now.
    """
    store.refresh_from_db(fields=_LOOKED_AT)
    _note(store, *_ask(store))
    return store.problem or None


def _ask(store: Store) -> tuple[Capabilities, Capabilities | None]:
    """Return what a probe finds, and what was known of the store; asks no database."""
    known = _still_known(store)
    try:
        opened = open_store(store)
    except StoreUnavailable as error:
        return Capabilities(False, False, problem=error.detail), known
    return opened.probe(known), known


def _note(store: Store, found: Capabilities, known: Capabilities | None) -> None:
    noted = note_probe(store, found, known)
    # of a row that was changed meanwhile nothing is known: it was not asked with its keys
    as_asked = Store.objects.filter(pk=store.pk, updated_at=store.updated_at)
    with transaction.atomic():
        # whether it turned is asked of the row: another process may have noted it meanwhile
        turned = as_asked.exclude(reachable=store.reachable).update(**noted)
        if not turned:
            as_asked.update(**noted)
        elif store.reachable:
            outbox.emit("store.back", {"store": store.name})
    if turned and not store.reachable:
        logger.warning("the store %s is away: %s", store.name, store.problem)


def store_came_back(name: str) -> int:
    """Have every transfer that waits for a store looked at now; return how many."""
    return look_again(Q(target__name=name) | Q(source__name=name))


def note_probe(
    store: Store, found: Capabilities, known: Capabilities | None = None
) -> dict[str, Any]:
    """Set on a row what a probe found and return that, by field; the row is not saved.

    What a store can do is kept when it does not answer, and when `known` was taken over.
    """
    now, well = timezone.now(), found.reachable and found.ready
    problem = "" if well else told(store, found.problem or "The store does not answer.")
    noted: dict[str, Any] = {"reachable": well, "problem": problem, "checked_at": now}
    if well and found != known:
        noted["capabilities"] = {**found.flags(), _PROBED_AT: now.isoformat()}
    for field, value in noted.items():
        setattr(store, field, value)
    return noted


def _still_known(store: Store) -> Capabilities | None:
    """Return what a store could do a short while ago; None when it is to be looked at closely."""
    probed = store.capabilities.get(_PROBED_AT)
    if not store.reachable or probed is None:
        return None
    if datetime.fromisoformat(probed) < timezone.now() - _KNOWN_FOR:
        return None
    return Capabilities.well(store.capabilities)
