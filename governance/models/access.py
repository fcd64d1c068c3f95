"""Access requests and the grants that they become."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.ids import new_id
from governance.models.principals import User


class RequestState(models.TextChoices):
    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"


class AccessRequest(models.Model):
    """Someone asks to read a product for a purpose and a time."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="access_requests")
    name = models.CharField(max_length=500)
    purpose = models.CharField(max_length=64)
    reason = models.TextField(blank=True)
    days = models.PositiveIntegerField()
    state = models.CharField(
        max_length=16, choices=RequestState.choices, default=RequestState.PENDING
    )
    created_at = models.DateTimeField(auto_now_add=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    comment = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "name", "purpose"],
                condition=Q(state="pending"),
                name="one_pending_request",
            ),
            models.CheckConstraint(
                condition=Q(state__in=RequestState.values), name="request_state_is_known"
            ),
        ]
        indexes = [models.Index(fields=["name", "state"])]

    def __str__(self) -> str:
        return f"{self.user} asks for {self.name}"


class LiveGrants(models.QuerySet["Grant"]):
    def live(self) -> LiveGrants:
        """Grants that hold at this moment; expiry needs no job to take effect."""
        return self.filter(revoked_at__isnull=True, expires_at__gt=timezone.now())


class Grant(models.Model):
    """A permission to read one product for one purpose until a moment."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="grants")
    name = models.CharField(max_length=500)
    purpose = models.CharField(max_length=64)
    request = models.OneToOneField(AccessRequest, models.PROTECT, related_name="grant")
    granted_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    objects = LiveGrants.as_manager()

    class Meta:
        indexes = [models.Index(fields=["user", "expires_at"]), models.Index(fields=["name"])]

    def __str__(self) -> str:
        return f"{self.user} reads {self.name} for {self.purpose}"
