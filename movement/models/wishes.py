"""What somebody wants to lie somewhere beside what policies ask: subscriptions, pins, demand."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from catalog.models import Product, Version
from core.ids import new_id
from movement.models.places import Site, Store


class Subscription(models.Model):
    """Keep the latest versions of a product at a site, as they come and as long as it stands."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    product = models.ForeignKey(Product, models.CASCADE, related_name="subscriptions")
    site = models.ForeignKey(Site, models.CASCADE, related_name="subscriptions")
    latest = models.PositiveSmallIntegerField(default=1)
    """How many of the newest published versions."""
    priority = models.PositiveSmallIntegerField(default=5)
    asked_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["product", "site"],
                condition=Q(ended_at__isnull=True),
                name="one_subscription_a_site",
            ),
            models.CheckConstraint(condition=Q(latest__gte=1), name="subscription_keeps_some"),
            models.CheckConstraint(condition=Q(priority__lte=9), name="subscription_priority"),
        ]

    def __str__(self) -> str:
        return f"{self.product} at {self.site}"


class Pin(models.Model):
    """Keep one version in one store, for a reason, until a day or until it is lifted."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    version = models.ForeignKey(Version, models.CASCADE, related_name="pins")
    store = models.ForeignKey(Store, models.CASCADE, related_name="pins")
    reason = models.CharField(max_length=500)
    until = models.DateTimeField(null=True)
    asked_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version", "store"],
                condition=Q(ended_at__isnull=True),
                name="one_pin_a_store",
            )
        ]

    def __str__(self) -> str:
        return f"{self.version} in {self.store}"


class Demand(models.Model):
    """How often a version was asked for at a site in a day: what a cache rule looks at."""

    version = models.ForeignKey(Version, models.CASCADE, related_name="demand")
    site = models.ForeignKey(Site, models.CASCADE, related_name="demand")
    day = models.DateField()
    reads = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "site", "day"], name="one_demand_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.version} at {self.site} on {self.day}: {self.reads}"
