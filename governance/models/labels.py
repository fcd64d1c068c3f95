"""Classifications of products and columns, and where a steward ended their way."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.ids import new_id


class LabelOrigin(models.TextChoices):
    """Who says so. Of one label each origin has a row of its own: what one of them takes back,
    the others still say."""

    MANUAL = "manual"
    SCAN = "scan"
    CONTRACT = "contract"
    INHERITED = "inherited"


class LiveLabels(models.QuerySet["Label"]):
    def live(self) -> LiveLabels:
        return self.filter(removed_at__isnull=True)

    def own(self) -> LiveLabels:
        """What the product carries by itself, the overruled ones too."""
        ours = Q(removed_at__isnull=True) | Q(overruled=True)
        return self.filter(ours).exclude(origin=LabelOrigin.INHERITED)


class Label(models.Model):
    """A classification on a product (`column` empty) or one of its columns."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=500)
    column = models.CharField(max_length=300, blank=True)
    label = models.CharField(max_length=100)
    origin = models.CharField(max_length=16, choices=LabelOrigin.choices)
    evidence = models.JSONField(default=dict)
    """Of an inherited one the path it came by; of a scan what was counted; never a value."""
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=150)
    removed_at = models.DateTimeField(null=True)
    removed_by = models.CharField(max_length=150, blank=True)
    overruled = models.BooleanField(default=False)
    """Closed because what the product is made from allows less; it comes back when that ends."""

    objects = LiveLabels.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["name", "column", "label", "origin"],
                condition=Q(removed_at__isnull=True),
                name="one_live_label",
            ),
            models.CheckConstraint(
                condition=Q(origin__in=LabelOrigin.values), name="label_origin_is_known"
            ),
            models.CheckConstraint(
                condition=Q(overruled=False) | Q(removed_at__isnull=False),
                name="overruled_label_is_closed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} on {self.name}"


class Declassification(models.Model):
    """A steward's signed word that a label does not come to a product, nor through it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=500)
    column = models.CharField(max_length=300, blank=True)
    label = models.CharField(max_length=100)
    """A label, or `family:*`."""
    reason = models.TextField()
    statement = models.JSONField()
    """A DSSE envelope by the domain's key; docs/reference/seal.md."""
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=150)
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["name", "column", "label"],
                condition=Q(revoked_at__isnull=True),
                name="one_live_declassification",
            )
        ]

    def __str__(self) -> str:
        return f"{self.label} declassified on {self.name}"
