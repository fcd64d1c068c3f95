"""Uploads that nobody goes on with: their parts take up room that no listing shows."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from catalog.models import VersionState
from core.errors import FairmeshError, InvalidName
from core.names import Name
from governance import audit
from governance.engine.entities import Decision, Principal
from movement.models import ACTIVE, Arrival, Replica, ReplicaOrigin, Store, Transfer
from movement.opening import is_writable, open_store
from movement.selectors import UNREACHABLE_SITES
from movement.stores.protocol import Store as ObjectStore
from movement.stores.protocol import Upload

SWEEPER = Principal("service.sweeper", groups=frozenset({"services"}), kind="service")
_RUNS = ".runs/"
"""Below it runs of pipelines keep what they set aside."""
logger = logging.getLogger(__name__)


def sweep_uploads(now: datetime | None = None) -> int:
    """Drop unfinished uploads of ours that are old and that nobody goes on with; return how many.

    Old is longer ago than FAIRMESH_UPLOAD_KEEP_HOURS. Kept are those below the target of a
    transfer that is not at its end, of a file that arrives, and of a draft that a run writes; and
    whatever others began in the same bucket. A store that is away is swept when it is back.
    """
    at = now or timezone.now()
    stores = Store.objects.select_related("site").exclude(site__state__in=UNREACHABLE_SITES)
    return sum(_sweep(store, at) for store in stores.order_by("name") if is_writable(store))


def _sweep(store: Store, now: datetime) -> int:
    """Sweep one store, and write into the audit log what was dropped there."""
    since, dropped = now - timedelta(hours=settings.FAIRMESH.upload_keep_hours), 0
    try:
        opened = open_store(store)
        for upload in list(_old(opened, since)):
            # asked for each anew, and last: a transfer may have taken it up while others went
            if not _is_wanted(store, upload.key, since):
                opened.abort_upload(upload.key, upload.upload_id)
                dropped += 1
    except FairmeshError as error:
        logger.warning("uploads at %s are not swept: %s", store.name, error.code)
    if dropped:
        logger.info("dropped %d abandoned uploads at %s", dropped, store.name)
        _note(store, dropped)
    return dropped


@transaction.atomic
def _note(store: Store, dropped: int) -> None:
    hours = settings.FAIRMESH.upload_keep_hours
    reason = f"Nobody went on with them for {hours} hours (FAIRMESH_UPLOAD_KEEP_HOURS)."
    decision = Decision(True, (), reason, "")
    audit.record(SWEEPER, "sweep-uploads", store.name, decision, uploads=dropped)


def _old(opened: ObjectStore, since: datetime) -> Iterator[Upload]:
    """Yield the uploads of ours that began before `since`."""
    for upload in opened.uploads():
        if upload.started < since and _is_ours(upload.key):
            yield upload


def _is_ours(key: str) -> bool:
    """Say whether the mesh itself would write under a key; a bucket may be shared with others."""
    if key.startswith(_RUNS):
        return True
    try:
        return Name.from_object_key(key).kind == "file"
    except InvalidName:
        return False


def _is_wanted(store: Store, key: str, since: datetime) -> bool:
    """Say whether somebody may still go on with an upload of `key`."""
    if key.startswith(_RUNS):
        return False
    name = Name.from_object_key(key)
    base = replace(name, path=None).to_object_key() + "/"
    coming = Transfer.objects.filter(target=store, state__in=ACTIVE)
    product, number = str(name.product_name), name.version or 0
    if coming.filter(version__product__name=product, version__number=number).exists():
        return True
    for home in Replica.objects.filter(store=store, base=base).select_related("version"):
        if coming.filter(version=home.version_id).exists() or _gathers(home, name.path, since):
            return True
    return False


def _gathers(home: Replica, path: str | None, since: datetime) -> bool:
    """Say whether a draft is getting this file there: from a run, or from somebody who sends it."""
    if home.version.state != VersionState.DRAFT:
        return False
    arriving = Arrival.objects.filter(version=home.version_id, path=path, until__gt=since)
    return home.origin == ReplicaOrigin.RUN or arriving.exists()
