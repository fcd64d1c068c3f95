"""How versions go: a draft is given up, a published one is removed with a trace."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from catalog import search
from catalog.models import Version, VersionAlias, VersionState
from catalog.selectors import LATEST, product_resource, version_by_id
from core import outbox
from core.errors import Conflict, Invalid
from governance import audit
from governance.engine.entities import Action, Decision, Principal
from governance.holds import refuse_held
from governance.services import require


@transaction.atomic
def abort_draft(actor: Principal, version_id: UUID) -> list[str]:
    """Give up a draft; its number stays used. Return the paths whose bytes can be removed.

    Raises UnderLegalHold: what a hold binds is not thrown away, sealed or not.
    """
    version = version_by_id(actor, Action.PUBLISH, version_id)
    if version.state != VersionState.DRAFT:
        raise Conflict(f"{version.name} is published; tombstone it instead.")
    decision = require(actor, Action.PUBLISH, product_resource(version.product))
    refuse_held(version.name)
    paths = list(version.draft_files.values_list("path", flat=True))
    audit.record(actor, "abort-draft", version.name, decision, files=len(paths))
    version.delete()
    return paths


@transaction.atomic
def tombstone_version(actor: Principal, version_id: UUID, *, reason: str) -> Version:
    """Remove a published version: its name answers 410 for ever, its metadata stays.

    Raises UnderLegalHold. The bytes stay where they are; an erasure removes them.
    """
    version_by_id(actor, Action.ADMINISTER, version_id)
    version = locked_version(version_id)
    if version.state != VersionState.PUBLISHED:
        raise Conflict(f"{version.name} is {version.state}.")
    if not reason.strip():
        raise Invalid("Say why: the reason is shown to everyone who follows the name.")
    decision = require(actor, Action.ADMINISTER, product_resource(version.product))
    bury(actor, decision, version, reason)
    return version


def locked_version(version_id: UUID) -> Version:
    """Return a version locked for the rest of the transaction."""
    return (
        Version.objects.select_for_update(of=("self",))
        .select_related("product__domain__team")
        .get(pk=version_id)
    )


def bury(actor: Principal, decision: Decision, version: Version, reason: str) -> None:
    """Remove a locked version on a decision that was made already; again changes nothing.

    Raises UnderLegalHold, whoever decided.
    """
    if version.state != VersionState.PUBLISHED:
        return
    refuse_held(version.name)
    version.state, version.tombstone_reason = VersionState.TOMBSTONED, reason
    version.tombstoned_at = timezone.now()
    version.save(update_fields=["state", "tombstone_reason", "tombstoned_at"])
    VersionAlias.objects.filter(version=version).delete()
    newest = version.product.versions.filter(state=VersionState.PUBLISHED).order_by("-number")
    if (successor := newest.first()) is not None:
        VersionAlias.objects.get_or_create(
            product=version.product, alias=LATEST, defaults={"version": successor}
        )
    search.index_product(version.product)
    audit.record(actor, "tombstone", version.name, decision, reason=reason)
    outbox.emit("version.tombstoned", {"version": version.name, "version_id": str(version.pk)})
