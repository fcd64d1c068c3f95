"""Sites and stores: registered by operators, watched by the platform."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from core import outbox
from core.errors import Conflict, Invalid, NotFound
from governance import audit
from governance.engine.entities import MESH, Action, Principal
from governance.services import require
from movement.models import Site, SiteKind, SiteState, Store, StoreKind
from movement.opening import open_store, seal_credentials, told

logger = logging.getLogger(__name__)
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_JURISDICTION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")


@transaction.atomic
def create_site(
    actor: Principal, *, name: str, title: str, kind: str, jurisdictions: Sequence[str]
) -> Site:
    """Register a place. Its jurisdictions run from the narrowest to the widest."""
    decision = require(actor, Action.ADMINISTER, MESH)
    _check_slug(name)
    if kind not in SiteKind.values:
        raise Invalid(f"A site is one of {', '.join(SiteKind.values)}.", kind=kind)
    wrong = [code for code in jurisdictions if not _JURISDICTION.fullmatch(code)]
    if wrong or not jurisdictions:
        raise Invalid('A site lies in jurisdictions such as ["DE", "EU"].', unknown=wrong)
    if Site.objects.filter(name=name).exists():
        raise Conflict(f"There is already a site {name!r}.")
    site = Site.objects.create(name=name, title=title, kind=kind, jurisdictions=list(jurisdictions))
    audit.record(actor, "create-site", name, decision, jurisdictions=list(jurisdictions))
    return site


@transaction.atomic
def set_site_state(actor: Principal, name: str, state: str) -> Site:
    """Say that a site is online, draining, expected off-line or lost."""
    decision = require(actor, Action.ADMINISTER, MESH)
    if state not in SiteState.values:
        raise Invalid(f"A site is one of {', '.join(SiteState.values)}.", state=state)
    site = Site.objects.select_for_update().filter(name=name).first()
    if site is None:
        raise NotFound(f"There is no site {name!r}.")
    site.state = state
    site.save(update_fields=["state"])
    audit.record(actor, "site-state", name, decision, state=state)
    if state == SiteState.ONLINE:
        outbox.emit("site.back", {"site": name})
    return site


def create_store(actor: Principal, *, name: str, site: str, kind: str, **place: Any) -> Store:
    """Register an object store after it answered: its bucket or folder is made when absent.

    `place` is endpoint, bucket, prefix, region, access_key and secret_key of an S3 store, or the
    root of a directory, which must lie in the folder that FAIRMESH_HOME keeps for stores.
    """
    require(actor, Action.ADMINISTER, MESH)
    _check_slug(name)
    home = Site.objects.filter(name=site).first()
    if home is None:
        raise NotFound(f"There is no site {site!r}.")
    if Store.objects.filter(name=name).exists():
        raise Conflict(f"There is already a store {name!r}.")
    store = _described(Store(name=name, site=home, kind=kind, updated_at=timezone.now()), place)
    open_store(store).ensure_ready()
    with transaction.atomic():
        decision = require(actor, Action.ADMINISTER, MESH)
        store.checked_at = timezone.now()
        store.save(force_insert=True)
        audit.record(actor, "create-store", name, decision, site=site, kind=kind)
    return store


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
    """Probe every store and note what answers; return those that do not."""
    stores = Store.objects.select_related("site").order_by("name")
    return [store for store in stores if problem_of(store) is not None]


def problem_of(store: Store) -> str | None:
    """Ask a store how it is, note that, and return what is wrong; None when nothing is."""
    found = open_store(store).probe()
    well = found.reachable and found.ready
    problem = "" if well else told(store, found.problem or "The store does not answer.")
    if problem and store.reachable:
        logger.warning("the store %s is away: %s", store.name, problem)
    store.reachable, store.problem, store.checked_at = well, problem, timezone.now()
    Store.objects.filter(pk=store.pk).update(
        reachable=well, problem=problem, checked_at=store.checked_at
    )
    return problem or None


def _check_slug(name: str) -> None:
    if not _SLUG.fullmatch(name):
        raise Invalid(f"{name!r} cannot be a name here: use a-z, 0-9 and '-'.")
