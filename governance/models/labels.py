"""Classifications of products and columns."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.ids import new_id


class LabelOrigin(models.TextChoices):
    MANUAL = "manual"
    SCAN = "scan"
    CONTRACT = "contract"
    INHERITED = "inherited"


class Label(models.Model):
    """A classification on a product (`column` empty) or one of its columns."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=500)
    column = models.CharField(max_length=300, blank=True)
    label = models.CharField(max_length=100)
    origin = models.CharField(max_length=16, choices=LabelOrigin.choices)
    evidence = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=150)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["name", "column", "label"],
                condition=Q(removed_at__isnull=True),
                name="one_live_label",
            ),
            models.CheckConstraint(
                condition=Q(origin__in=LabelOrigin.values), name="label_origin_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} on {self.name}"
