"""Scans of versions, and what stewards say of their findings. No row of data is ever kept here."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.ids import new_id


class ScanState(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    """Left out by a services policy, which the reason names."""


SCAN_OPEN = frozenset({ScanState.QUEUED, ScanState.RUNNING, ScanState.WAITING})


class Scan(models.Model):
    """One look at every row of a version. This row is the truth; the queue is a doorbell."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=500)
    """The product."""
    version = models.PositiveIntegerField()
    state = models.CharField(max_length=16, choices=ScanState.choices, default=ScanState.QUEUED)
    reason_code = models.CharField(max_length=64, blank=True)
    reason = models.TextField(blank=True)
    asked_by = models.CharField(max_length=150)
    published_by = models.CharField(max_length=150)
    """Who sealed the version: a second person declassifies what it carries."""
    files_total = models.PositiveBigIntegerField(default=0)
    files_done = models.PositiveBigIntegerField(default=0)
    rows_done = models.PositiveBigIntegerField(default=0)
    bytes_done = models.PositiveBigIntegerField(default=0)
    """Of text that was looked at."""
    partial = models.JSONField(default=dict)
    """Where it goes on after a worker was lost, and the counts up to there."""
    result = models.JSONField(null=True)
    """The findings by column and detector, the files left out and why; no value of any row."""
    attempt = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    lease_owner = models.CharField(max_length=128, blank=True)
    lease_until = models.DateTimeField(null=True)
    fence = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    """Since then it says nothing any more: there is a newer one, or the version was removed."""

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=ScanState.values), name="scan_state_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(state="done") | Q(result__isnull=False), name="done_scan_has_a_result"
            ),
            models.UniqueConstraint(
                fields=["name", "version"],
                condition=Q(ended_at__isnull=True, state__in=["queued", "running", "waiting"]),
                name="one_open_scan",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "next_attempt_at"], name="scan_due"),
            models.Index(fields=["name", "version"], name="scan_of_version"),
        ]

    def __str__(self) -> str:
        return f"scan of {self.name}/v={self.version}"


class ScanVerdict(models.Model):
    """What a steward says of one detector in one column; the newest counts for later scans."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    scan = models.ForeignKey(Scan, models.CASCADE, related_name="verdicts")
    name = models.CharField(max_length=500)
    column = models.CharField(max_length=300, blank=True)
    detector = models.CharField(max_length=64)
    major = models.PositiveIntegerField()
    """The first number of the detector's version."""
    label = models.CharField(max_length=100)
    verdict = models.CharField(max_length=8, choices=[("confirm", "confirm"), ("reject", "reject")])
    rate = models.FloatField()
    """The match rate that it was said about."""
    comment = models.TextField(blank=True)
    created_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(verdict__in=["confirm", "reject"]), name="verdict_is_known"
            )
        ]
        indexes = [models.Index(fields=["name", "column", "detector"], name="verdicts_of_column")]

    def __str__(self) -> str:
        return f"{self.verdict} {self.label} on {self.name}"
