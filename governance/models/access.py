"""Access requests, what was said of them, and the grants that they become.

Rows are only ever added and closed: what was asked, granted or said is never changed.
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from core.ids import new_id
from governance.models.principals import Team, User
from governance.models.subscriptions import PortSubscription


class RequestState(models.TextChoices):
    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"


class AccessRequest(models.Model):
    """Someone asks to read a product for a purpose and a time, for themselves or for a team."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    subscription = models.ForeignKey(PortSubscription, models.PROTECT, related_name="requests")
    """The consumer's of that port; every request and renewal is one more of it."""
    user = models.ForeignKey(User, models.PROTECT, related_name="access_requests")
    """Who asks."""
    team = models.ForeignKey(Team, models.PROTECT, null=True, related_name="access_requests")
    """For whom, when it is not only for the one who asks."""
    name = models.CharField(max_length=500)
    port = models.CharField(max_length=64, blank=True)
    """An output port; empty means the product as a whole."""
    purpose = models.CharField(max_length=64)
    reason = models.TextField(blank=True)
    days = models.PositiveIntegerField()
    renews = models.ForeignKey("Grant", models.PROTECT, null=True, related_name="renewals")
    state = models.CharField(
        max_length=16, choices=RequestState.choices, default=RequestState.PENDING
    )
    created_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField(null=True)
    """Until when a policy wants it decided."""
    escalated_at = models.DateTimeField(null=True)
    escalated_to = models.JSONField(default=list)
    """The teams, or `operators`, that may decide as well since then."""
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    policies = models.JSONField(default=list)
    """The policies that approved it when nobody had to."""
    comment = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "name", "port", "purpose"],
                condition=Q(state="pending", team__isnull=True),
                name="one_pending_request_of_a_user",
            ),
            models.UniqueConstraint(
                fields=["team", "name", "port", "purpose"],
                condition=Q(state="pending", team__isnull=False),
                name="one_pending_request_of_a_team",
            ),
            models.CheckConstraint(
                condition=Q(state__in=RequestState.values), name="request_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state="pending", decided_at__isnull=True)
                | (~Q(state="pending") & Q(decided_at__isnull=False)),
                name="request_is_decided_once",
            ),
        ]
        indexes = [
            models.Index(fields=["name", "state"]),
            models.Index(fields=["due_at"], condition=Q(state="pending"), name="request_is_due"),
        ]

    def __str__(self) -> str:
        return f"{self.team or self.user} asks for {self.name}"


class RequestComment(models.Model):
    """One thing said about a request. Rows are only added."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    request = models.ForeignKey(AccessRequest, models.PROTECT, related_name="comments")
    author = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    """None when the platform itself tells what happened."""
    text = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.author} on {self.request_id}"


class GrantKind(models.TextChoices):
    GRANT = "grant"
    BREAK_GLASS = "break-glass"


class LiveGrants(models.QuerySet["Grant"]):
    def live(self) -> LiveGrants:
        """Grants that hold at this moment; expiry needs no job to take effect."""
        return self.filter(revoked_at__isnull=True, expires_at__gt=timezone.now())


class Grant(models.Model):
    """A permission to read one product for one purpose until a moment: a user's or a team's."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=16, choices=GrantKind.choices, default=GrantKind.GRANT)
    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="grants")
    team = models.ForeignKey(Team, models.PROTECT, null=True, related_name="grants")
    """One of the two; of a team, whoever is a member at that moment reads."""
    name = models.CharField(max_length=500)
    port = models.CharField(max_length=64, blank=True)
    purpose = models.CharField(max_length=64)
    reason = models.TextField(blank=True)
    """Why the glass was broken."""
    request = models.OneToOneField(AccessRequest, models.PROTECT, null=True, related_name="grant")
    granted_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    """None when a policy approved; the request names it."""
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.CharField(max_length=150, blank=True)
    review_due_at = models.DateTimeField(null=True)

    objects = LiveGrants.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=True, team__isnull=False)
                | Q(user__isnull=False, team__isnull=True),
                name="grant_has_one_consumer",
            ),
            models.CheckConstraint(
                condition=Q(kind="grant", request__isnull=False)
                | Q(
                    kind="break-glass",
                    request__isnull=True,
                    user__isnull=False,
                    granted_by=F("user"),
                    review_due_at__isnull=False,
                ),
                name="grant_kind_is_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "expires_at"]),
            models.Index(fields=["team", "expires_at"]),
            models.Index(fields=["name"]),
        ]

    def __str__(self) -> str:
        return f"{self.team or self.user} reads {self.name} for {self.purpose}"


class ReviewVerdict(models.TextChoices):
    JUSTIFIED = "justified"
    UNJUSTIFIED = "unjustified"


class GrantReview(models.Model):
    """What an owner thinks of a broken glass, once."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    grant = models.OneToOneField(Grant, models.PROTECT, related_name="review")
    reviewer = models.ForeignKey(User, models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=16, choices=ReviewVerdict.choices)
    comment = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(verdict__in=ReviewVerdict.values), name="review_verdict_is_known"
            )
        ]

    def __str__(self) -> str:
        return f"{self.grant_id} was {self.verdict}"
