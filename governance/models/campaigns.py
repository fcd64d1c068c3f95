"""Recertification: from time to time someone looks at every grant again."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.ids import new_id
from governance.models.access import Grant
from governance.models.principals import User


class Campaign(models.Model):
    """The grants below a prefix are looked at again, until a day."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    title = models.CharField(max_length=200)
    prefix = models.CharField(max_length=500)
    due_at = models.DateTimeField()
    revoke_undecided = models.BooleanField(default=False)
    """At the end, what nobody decided to keep is revoked."""
    opened_by = models.ForeignKey(User, models.PROTECT, related_name="campaigns")
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(closed_at__isnull=True), name="campaign_is_due"
            )
        ]

    def __str__(self) -> str:
        return self.title


class ItemVerdict(models.TextChoices):
    KEEP = "keep"
    REVOKE = "revoke"


class CampaignItem(models.Model):
    """One grant of a campaign, and what was decided of it: once."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="items")
    grant = models.ForeignKey(Grant, models.PROTECT, related_name="campaign_items")
    verdict = models.CharField(max_length=16, choices=ItemVerdict.choices, blank=True)
    comment = models.TextField(blank=True)
    decided_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    """None with a verdict: the campaign ended, and it said so."""
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "grant"], name="one_item_a_grant"),
            models.CheckConstraint(
                condition=Q(verdict="", decided_at__isnull=True)
                | Q(verdict__in=ItemVerdict.values, decided_at__isnull=False),
                name="item_is_decided_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.grant_id} {self.verdict}"
