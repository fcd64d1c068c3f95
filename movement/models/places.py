"""Sites, the links between them, and the stores that stand there."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from core.ids import new_id


class SiteKind(models.TextChoices):
    CORE = "core"
    EDGE = "edge"
    MOBILE = "mobile"


class SiteState(models.TextChoices):
    ONLINE = "online"
    DRAINING = "draining"
    OFFLINE = "offline"
    LOST = "lost"


SITE_MOVES: dict[str, frozenset[str]] = {
    SiteState.ONLINE: frozenset({SiteState.DRAINING, SiteState.OFFLINE, SiteState.LOST}),
    SiteState.DRAINING: frozenset({SiteState.ONLINE, SiteState.OFFLINE, SiteState.LOST}),
    SiteState.OFFLINE: frozenset({SiteState.ONLINE, SiteState.DRAINING, SiteState.LOST}),
    SiteState.LOST: frozenset({SiteState.ONLINE, SiteState.DRAINING, SiteState.OFFLINE}),
}
"""A lost site that is heard from is welcomed back: nothing is final but a deletion."""


class Site(models.Model):
    """A place with a jurisdiction. Off-line is expected of some and no failure of any."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.SlugField(max_length=64, unique=True)
    title = models.CharField(max_length=200)
    kind = models.CharField(max_length=16, choices=SiteKind.choices)
    jurisdictions = models.JSONField(default=list)
    """Codes from the narrowest to the widest, as in ["DE", "EU"]."""
    state = models.CharField(max_length=16, choices=SiteState.choices, default=SiteState.ONLINE)
    state_since = models.DateTimeField(default=timezone.now)
    state_reason = models.TextField(blank=True)
    expected_back = models.DateTimeField(null=True)
    """When an off-line site said it would be back; None when nobody said."""
    grace_hours = models.PositiveIntegerField(default=72)
    """How long its copies still count after it went off-line; then it is lost."""
    windows = models.JSONField(default=list)
    """When it is in contact, and how fast; see movement.engine.calendar. Empty: always."""
    last_seen = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=SiteKind.values), name="site_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=SiteState.values), name="site_state_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Link(models.Model):
    """The way from one site to another: what is declared of it, and what was measured on it.

    Without a row a way is open, unmeasured and free.
    """

    source = models.ForeignKey(Site, models.CASCADE, related_name="links_out")
    target = models.ForeignKey(Site, models.CASCADE, related_name="links_in")
    open = models.BooleanField(default=True)
    """False when no byte passes directly: then a copy goes over a third site, or not at all."""
    bytes_per_second = models.PositiveBigIntegerField(null=True)
    """The most that transfers together may use; None for no limit."""
    slots = models.PositiveIntegerField(null=True)
    """Transfers at once; None for no limit."""
    cost_per_gb = models.DecimalField(max_digits=10, decimal_places=6, default=0)
    """Money for 10^9 bytes that leave the source for the target."""
    measured_rate = models.FloatField(null=True)
    """Bytes a second of one transfer, as a moving average; None before the first."""
    failure_rate = models.FloatField(default=0.0)
    """The share of attempts that failed, as a moving average, 0 to 1."""
    measured_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "target"], name="one_link_each_way"),
            models.CheckConstraint(condition=~Q(source=F("target")), name="a_link_leads_elsewhere"),
        ]

    def __str__(self) -> str:
        return f"{self.source} → {self.target}"


class StoreKind(models.TextChoices):
    S3 = "s3"
    DIRECTORY = "directory"
    HTTP = "http"
    """Read only: objects that somebody else serves."""


class StorageTier(models.TextChoices):
    HOT = "hot"
    COLD = "cold"
    ARCHIVE = "archive"


class Store(models.Model):
    """One object store at one site."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.SlugField(max_length=64, unique=True)
    site = models.ForeignKey(Site, models.PROTECT, related_name="stores")
    kind = models.CharField(max_length=16, choices=StoreKind.choices)
    endpoint = models.CharField(max_length=500, blank=True)
    bucket = models.CharField(max_length=100, blank=True)
    prefix = models.CharField(max_length=300, blank=True)
    region = models.CharField(max_length=64, default="us-east-1")
    root = models.CharField(max_length=1000, blank=True)
    credentials_sealed = models.TextField(blank=True)
    """Access and secret key, encrypted by core.vault."""
    reachable = models.BooleanField(default=True)
    problem = models.TextField(blank=True)
    checked_at = models.DateTimeField(null=True)
    capabilities = models.JSONField(default=dict)
    """What the last probe found, by the names of stores.protocol.Capabilities."""
    tier = models.CharField(max_length=16, choices=StorageTier.choices, default=StorageTier.HOT)
    capacity_bytes = models.PositiveBigIntegerField(null=True)
    """What may lie there of ours; None for no limit."""
    slots = models.PositiveIntegerField(null=True)
    """Transfers from and to it at once; None for no limit."""
    cost_gb_month = models.DecimalField(max_digits=10, decimal_places=6, default=0)
    cost_1000_puts = models.DecimalField(max_digits=10, decimal_places=6, default=0)
    cost_1000_gets = models.DecimalField(max_digits=10, decimal_places=6, default=0)
    quarantined_at = models.DateTimeField(null=True)
    """Since when nothing is placed there or read from there; None while it is trusted."""
    quarantine_reason = models.TextField(blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=StoreKind.values), name="store_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(tier__in=StorageTier.values), name="store_tier_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name
