"""Who consumes a port of a product: what their requests and grants, one after another, are of."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.ids import new_id
from governance.models.principals import Team, User


class SubscriptionState(models.TextChoices):
    """How a subscription stands; never a column."""

    ACTIVE = "active"
    """A grant of it holds."""
    PENDING = "pending"
    """It was asked for, and nobody has decided."""
    ENDED = "ended"
    """It was granted; every grant was revoked or has expired."""
    DENIED = "denied"
    WITHDRAWN = "withdrawn"


class PortSubscription(models.Model):
    """One consumer of one output port of a product: a person, a machine or a team.

    It is made by the first request and stays the same one from then on. How it stands is kept
    nowhere: it follows from its requests and their grants, at the moment it is asked for
    (governance/subscriptions.py). The platform never changes or deletes a row; one that moves
    follows the product's name.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="port_subscriptions")
    team = models.ForeignKey(Team, models.PROTECT, null=True, related_name="port_subscriptions")
    """One of the two; of a team, whoever is a member at that moment."""
    name = models.CharField(max_length=500)
    port = models.CharField(max_length=64, blank=True)
    """An output port; empty means the product as a whole."""
    created_at = models.DateTimeField(default=timezone.now)
    """When it was asked for first."""

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=True, team__isnull=False)
                | Q(user__isnull=False, team__isnull=True),
                name="port_subscription_has_one_consumer",
            ),
            models.UniqueConstraint(
                fields=["user", "name", "port"],
                condition=Q(team__isnull=True),
                name="one_port_subscription_of_a_user",
            ),
            models.UniqueConstraint(
                fields=["team", "name", "port"],
                condition=Q(user__isnull=True),
                name="one_port_subscription_of_a_team",
            ),
        ]
        indexes = [models.Index(fields=["name"], name="port_subscription_of_product")]

    def __str__(self) -> str:
        return f"{self.team or self.user} consumes {self.name}:{self.port or '*'}"
