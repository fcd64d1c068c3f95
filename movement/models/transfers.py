"""Transfers: one row a copy, and the plans that somebody applied."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from catalog.models import Version
from core.ids import new_id
from movement.models.places import Store


class TransferState(models.TextChoices):
    QUEUED = "queued"
    CLAIMED = "claimed"
    RUNNING = "running"
    VERIFYING = "verifying"
    DONE = "done"
    WAITING = "waiting"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"


TRANSFER_MOVES: dict[str, frozenset[str]] = {
    TransferState.QUEUED: frozenset({TransferState.CLAIMED, TransferState.CANCELLED}),
    TransferState.WAITING: frozenset(
        {TransferState.CLAIMED, TransferState.QUEUED, TransferState.CANCELLED}
    ),
    TransferState.CLAIMED: frozenset(
        {
            TransferState.CLAIMED,
            TransferState.RUNNING,
            TransferState.WAITING,
            TransferState.REFUSED,
            TransferState.FAILED,
            TransferState.CANCELLED,
        }
    ),
    TransferState.RUNNING: frozenset(
        {
            TransferState.CLAIMED,
            TransferState.VERIFYING,
            TransferState.WAITING,
            TransferState.REFUSED,
            TransferState.FAILED,
            TransferState.CANCELLED,
        }
    ),
    TransferState.VERIFYING: frozenset(
        {
            TransferState.CLAIMED,
            TransferState.DONE,
            TransferState.WAITING,
            TransferState.REFUSED,
            TransferState.FAILED,
            TransferState.CANCELLED,
        }
    ),
    TransferState.REFUSED: frozenset({TransferState.QUEUED}),
    TransferState.FAILED: frozenset({TransferState.QUEUED}),
    TransferState.CANCELLED: frozenset({TransferState.QUEUED}),
    TransferState.DONE: frozenset(),
}
"""CLAIMED from a working state is the next worker's claim after a lease ran out."""
ACTIVE = frozenset(
    {
        TransferState.QUEUED,
        TransferState.CLAIMED,
        TransferState.RUNNING,
        TransferState.VERIFYING,
        TransferState.WAITING,
    }
)
WORKING = frozenset({TransferState.CLAIMED, TransferState.RUNNING, TransferState.VERIFYING})


class Transfer(models.Model):
    """One planned copy of one version to one store. This row is the truth; the queue a doorbell.

    A worker holds it by a lease with a fence number: only the holder of the latest fence may
    write, so a worker that was thought dead and wakes up changes nothing.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    version = models.ForeignKey(Version, models.CASCADE, related_name="transfers")
    target = models.ForeignKey(Store, models.PROTECT, related_name="incoming")
    source = models.ForeignKey(Store, models.SET_NULL, null=True, related_name="outgoing")
    state = models.CharField(
        max_length=16, choices=TransferState.choices, default=TransferState.QUEUED
    )
    reason_code = models.CharField(max_length=64, blank=True)
    reason = models.TextField(blank=True)
    policies = models.JSONField(default=list)
    """The policies that ask for the copy, or those that refuse it."""
    asked_by = models.CharField(max_length=150)
    plan = models.ForeignKey(
        "movement.AppliedPlan", models.SET_NULL, null=True, related_name="transfers"
    )
    """The plan that somebody applied and that queued it; None when the beat did."""
    hop_for = models.ForeignKey(Store, models.SET_NULL, null=True, related_name="hops")
    """Where the copy goes from here, when this is a stop on the way; None when it stays."""
    tenant = models.CharField(max_length=64, blank=True)
    """The slug of the team that owns the product: tenants take turns."""
    priority = models.PositiveSmallIntegerField(default=5)
    """0 to 9; of what is due the highest goes first."""
    due_at = models.DateTimeField(null=True)
    """By when a policy wants the copy to stand; None when none says."""
    attempt = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    lease_owner = models.CharField(max_length=128, blank=True)
    lease_until = models.DateTimeField(null=True)
    fence = models.PositiveIntegerField(default=0)
    files_total = models.PositiveBigIntegerField(default=0)
    files_done = models.PositiveBigIntegerField(default=0)
    bytes_total = models.PositiveBigIntegerField(default=0)
    bytes_done = models.PositiveBigIntegerField(default=0)
    bytes_per_second = models.FloatField(null=True)
    """Over the last beats while it runs, over all of it when it is done."""
    cost = models.DecimalField(max_digits=14, decimal_places=6, null=True)
    """What egress and requests of the copy cost, by the prices of when it ended."""
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version", "target"],
                condition=Q(state__in=[str(state) for state in sorted(ACTIVE)]),
                name="one_active_transfer",
            ),
            models.UniqueConstraint(
                fields=["version", "target"],
                condition=Q(state="refused"),
                name="one_standing_refusal",
            ),
            models.CheckConstraint(
                condition=Q(state__in=TransferState.values), name="transfer_state_is_known"
            ),
        ]
        indexes = [
            models.Index(fields=["state", "next_attempt_at"]),
            models.Index(fields=["finished_at"], name="transfer_history"),
        ]

    def __str__(self) -> str:
        return f"{self.version} to {self.target}"


class AppliedPlan(models.Model):
    """A plan that somebody had carried out, so that it can be watched and undone as one."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=500)
    """The name, policy, site or `/` that was planned for, as it was asked."""
    digest = models.CharField(max_length=71)
    """Of the plan's lines: what was applied is what was shown."""
    asked_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)
    undone_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.name} {self.id}"


class Leadership(models.Model):
    """Who reconciles the whole mesh just now: one at a time, however many beats there are."""

    task = models.CharField(max_length=64, primary_key=True)
    lease_owner = models.CharField(max_length=128, blank=True)
    lease_until = models.DateTimeField(null=True)
    fence = models.PositiveBigIntegerField(default=0)
    done_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.task}: {self.lease_owner}"
