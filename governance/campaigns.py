"""Reads of campaigns: what there is to recertify, for those who can decide on it."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from governance import resources
from governance.engine.entities import Action, Principal
from governance.models import Campaign, CampaignItem, User
from governance.narrowing import is_narrowed, known_to

SHOWN = (
    "decided_by",
    "grant__user",
    "grant__team",
    "grant__granted_by",
    "grant__request",
    "grant__review__reviewer",
)
"""What is read with an item, to show it."""


def _administered(principal: Principal) -> set[str]:
    """Return the products with items anywhere that the principal administers."""
    names = set(CampaignItem.objects.values_list("grant__name", flat=True).distinct())
    return resources.visible_names(principal, Action.ADMINISTER, names) if names else set()


def visible_campaigns(principal: Principal, user: User) -> QuerySet[Campaign]:
    """Return the campaigns that the user opened or in which they have something to decide.

    The counts are of the items that they may see.
    """
    names = _administered(principal)
    seen = CampaignItem.objects.filter(grant__name__in=names, campaign=OuterRef("pk"))
    shown = Q(items__grant__name__in=names)
    return (
        Campaign.objects.select_related("opened_by")
        .filter((Q(opened_by=user) & _opened_within(principal, user)) | Exists(seen))
        .annotate(
            items_total=Count("items", filter=shown),
            items_kept=Count("items", filter=shown & Q(items__verdict="keep")),
            items_revoked=Count("items", filter=shown & Q(items__verdict="revoke")),
            items_undecided=Count("items", filter=shown & Q(items__verdict="")),
        )
    )


def _opened_within(principal: Principal, user: User) -> Q:
    if not is_narrowed(principal):
        return Q()
    opened = Campaign.objects.filter(opened_by=user).values_list("prefix", flat=True)
    return Q(prefix__in=known_to(principal, opened))


def campaign_for(principal: Principal, user: User, campaign_id: UUID) -> Campaign:
    """Return a campaign that the user may see; raise NotFound."""
    campaign = visible_campaigns(principal, user).filter(pk=campaign_id).first()
    if campaign is None:
        raise resources.absent(str(campaign_id))
    return campaign


def items_for(principal: Principal, campaign: Campaign) -> QuerySet[CampaignItem]:
    """Return the items of a campaign on products that the principal administers."""
    rows = CampaignItem.objects.filter(campaign=campaign)
    names = set(rows.values_list("grant__name", flat=True).distinct())
    mine = resources.visible_names(principal, Action.ADMINISTER, names) if names else set()
    return rows.filter(grant__name__in=mine).select_related(*SHOWN)
