"""Recertification: who holds a grant still needs it, or does not keep it.

A campaign lists the grants that lived when it was opened, on the products that its opener
administers. Whoever administers a product decides on its items.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from core import outbox
from core.errors import Conflict, Invalid
from core.names import is_under
from governance import audit, grants, resources
from governance.campaigns import campaign_for, items_for
from governance.engine.entities import MESH, MESH_NAME, Action, Decision, Principal
from governance.models import Campaign, CampaignItem, Grant, GrantKind, ItemVerdict, User
from governance.services.decisions import require
from governance.services.escalation import CLERK
from governance.services.grants import end_grant

MAX_ITEMS = 5000


@transaction.atomic
def open_campaign(
    user: User, actor: Principal, *, prefix: str, title: str, due_at: datetime, **how: bool
) -> Campaign:
    """Open a campaign over the live grants below `prefix` that the actor administers.

    With `revoke_undecided=True`, what nobody decided to keep by `due_at` is revoked then.
    """
    resource = MESH if prefix == MESH_NAME else resources.load(prefix)
    decision = require(actor, Action.ADMINISTER, resource)
    if due_at <= timezone.now():
        raise Invalid("A campaign ends in the future.", due_at=due_at.isoformat())
    found = _grants_below(actor, resource.name)
    if not found:
        raise Conflict(f"Nobody holds a grant below {resource.name} that you administer.")
    campaign = Campaign.objects.create(
        title=title,
        prefix=resource.name,
        due_at=due_at,
        revoke_undecided=how.get("revoke_undecided", False),
        opened_by=user,
    )
    CampaignItem.objects.bulk_create(
        [CampaignItem(campaign=campaign, grant=grant) for grant in found], batch_size=500
    )
    audit.record(
        actor,
        "open-campaign",
        resource.name,
        decision,
        campaign=str(campaign.pk),
        items=len(found),
        due=due_at.isoformat(),
        revoke_undecided=campaign.revoke_undecided,
    )
    outbox.emit("campaign.opened", {"campaign": str(campaign.pk), "prefix": resource.name})
    return campaign


def _grants_below(actor: Principal, prefix: str) -> list[Grant]:
    live = Grant.objects.live().filter(kind=GrantKind.GRANT)
    names = {name for name in live.values_list("name", flat=True) if is_under(name, prefix)}
    mine = resources.visible_names(actor, Action.ADMINISTER, names) if names else set()
    found = [grant for grant in live.order_by("id") if grant.name in mine]
    if len(found) > MAX_ITEMS:
        raise Invalid(f"{len(found)} grants are too many to look at; open it over less.")
    return found


@transaction.atomic
def decide_items(
    user: User,
    actor: Principal,
    campaign_id: UUID,
    *,
    items: Sequence[UUID],
    verdict: str,
    comment: str = "",
) -> list[CampaignItem]:
    """Keep or revoke several grants at once: all of them, or none where one cannot be."""
    campaign = campaign_for(actor, user, campaign_id)
    if campaign.closed_at is not None:
        raise Conflict("The campaign is closed; revoke the grant itself.")
    if verdict not in ItemVerdict.values:
        raise Invalid(f"A verdict is one of {', '.join(ItemVerdict.values)}.", verdict=verdict)
    rows = items_for(actor, campaign).select_for_update(of=("self",)).filter(pk__in=items)
    known = {row.pk: row for row in rows}
    for pk in items:
        if pk not in known:
            raise resources.absent(str(pk))
        _decide(user, actor, known[pk], verdict, comment)
    return [known[pk] for pk in items]


def _decide(user: User, actor: Principal, item: CampaignItem, verdict: str, comment: str) -> None:
    locked = Grant.objects.select_for_update(of=("self",)).select_related("user", "team")
    grant = locked.get(pk=item.grant_id)
    decision = require(actor, Action.ADMINISTER, resources.load(grant.name, asked=str(item.pk)))
    if verdict == ItemVerdict.KEEP and grants.is_of(grant, actor):
        raise Conflict("Another owner must decide whether you keep your own grant.")
    _settle(item, verdict, user, comment)
    told = {"campaign": str(item.campaign_id), "grant": str(grant.pk), "verdict": verdict}
    audit.record(actor, "recertify", grant.name, decision, **told)
    if verdict == ItemVerdict.REVOKE:
        end_grant(actor, decision, grant)


def _settle(item: CampaignItem, verdict: str, user: User | None, comment: str) -> None:
    if item.verdict:
        raise Conflict(f"It was decided already: {item.verdict}.")
    item.verdict, item.comment = verdict, comment
    item.decided_by, item.decided_at = user, timezone.now()
    item.save(update_fields=["verdict", "comment", "decided_by", "decided_at"])


@transaction.atomic
def close_campaign(user: User, actor: Principal, campaign_id: UUID) -> Campaign:
    """End a campaign before its day; what it says of undecided grants is done now."""
    campaign_for(actor, user, campaign_id)
    campaign = Campaign.objects.select_for_update().get(pk=campaign_id)
    resource = MESH if campaign.prefix == MESH_NAME else resources.load(campaign.prefix)
    decision = require(actor, Action.ADMINISTER, resource)
    if campaign.closed_at is None:
        _close(campaign, actor, decision)
    return campaign


def end_campaigns() -> int:
    """Close every campaign whose day has come; return how many. Safe to repeat."""
    due = Campaign.objects.filter(closed_at__isnull=True, due_at__lte=timezone.now())
    return sum(_end(pk) for pk in due.order_by("due_at").values_list("id", flat=True)[:100])


@transaction.atomic
def _end(campaign_id: UUID) -> bool:
    campaign = (
        Campaign.objects.select_for_update(of=("self",))
        .filter(pk=campaign_id, closed_at__isnull=True)
        .first()
    )
    if campaign is None:
        return False
    reason = f"The campaign {campaign.title!r} of {campaign.opened_by.username} has ended."
    _close(campaign, CLERK, Decision(True, (f"campaign:{campaign.pk}",), reason, ""))
    return True


def _close(campaign: Campaign, actor: Principal, decision: Decision) -> None:
    campaign.closed_at = timezone.now()
    campaign.save(update_fields=["closed_at"])
    revoked = _revoke_undecided(campaign, actor, decision) if campaign.revoke_undecided else 0
    told = {"campaign": str(campaign.pk), "revoked": revoked}
    audit.record(actor, "close-campaign", campaign.prefix, decision, **told)
    outbox.emit("campaign.closed", {"prefix": campaign.prefix, **told})


def _revoke_undecided(campaign: Campaign, actor: Principal, decision: Decision) -> int:
    """Revoke what nobody decided on; return how many grants that ended."""
    revoked = 0
    for item in campaign.items.select_for_update(of=("self",)).filter(verdict="").order_by("id"):
        grant = Grant.objects.select_for_update().get(pk=item.grant_id)
        _settle(item, ItemVerdict.REVOKE, None, "Nobody decided by the end of the campaign.")
        revoked += end_grant(actor, decision, grant)
    return revoked
