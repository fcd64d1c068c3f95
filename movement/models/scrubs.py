"""Scrubs: a replica read again and compared with its manifest, and what was found."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.ids import new_id
from movement.models.replicas import Replica


class ScrubState(models.TextChoices):
    RUNNING = "running"
    GOOD = "good"
    BROKEN = "broken"
    """Something was found; its findings say what, and since when it is mended."""
    CUT = "cut"
    """The store stopped answering, or the replica was taken away under it."""


class Scrub(models.Model):
    """One reading of one replica. It goes on after `after` when its worker dies."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    replica = models.ForeignKey(Replica, models.CASCADE, related_name="scrubs")
    deep = models.BooleanField()
    """Every byte was hashed; else sizes and presence were compared with a listing."""
    state = models.CharField(max_length=16, choices=ScrubState.choices, default=ScrubState.RUNNING)
    reason = models.TextField(blank=True)
    asked_by = models.CharField(max_length=150)
    files = models.PositiveBigIntegerField(default=0)
    bytes = models.PositiveBigIntegerField(default=0)
    after = models.TextField(blank=True)
    """The last path that was looked at."""
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    lease_owner = models.CharField(max_length=128, blank=True)
    lease_until = models.DateTimeField(null=True)
    fence = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["replica"], condition=Q(state="running"), name="one_scrub_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(state__in=ScrubState.values), name="scrub_state_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.replica} {self.started_at}"


class FindingKind(models.TextChoices):
    MISSING = "missing"
    TRUNCATED = "truncated"
    FLIPPED = "flipped"
    EXTRA = "extra"
    """An object below the replica's prefix that no manifest names. It is told, never removed."""


class ScrubFinding(models.Model):
    """One file that is not as its manifest says."""

    scrub = models.ForeignKey(Scrub, models.CASCADE, related_name="findings")
    path = models.TextField()
    kind = models.CharField(max_length=16, choices=FindingKind.choices)
    detail = models.TextField()
    repaired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scrub", "path"], name="one_finding_a_file"),
            models.CheckConstraint(
                condition=Q(kind__in=FindingKind.values), name="finding_kind_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.path}"
