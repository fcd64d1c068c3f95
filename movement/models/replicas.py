"""Replicas of versions, and the files of drafts that are on their way in."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from catalog.models import Version
from core.ids import new_id
from movement.models.places import Store


class ReplicaState(models.TextChoices):
    PLANNED = "planned"
    COPYING = "copying"
    COMPLETE = "complete"
    SUSPECT = "suspect"
    CORRUPT = "corrupt"
    MISSING = "missing"
    DELETING = "deleting"
    DELETED = "deleted"


REPLICA_MOVES: dict[str, frozenset[str]] = {
    ReplicaState.PLANNED: frozenset(
        {ReplicaState.COPYING, ReplicaState.COMPLETE, ReplicaState.MISSING, ReplicaState.DELETED}
    ),
    ReplicaState.COPYING: frozenset(
        {
            ReplicaState.COMPLETE,
            ReplicaState.MISSING,
            ReplicaState.CORRUPT,
            ReplicaState.DELETING,
            ReplicaState.DELETED,
        }
    ),
    ReplicaState.COMPLETE: frozenset(
        {
            ReplicaState.SUSPECT,
            ReplicaState.CORRUPT,
            ReplicaState.MISSING,
            ReplicaState.COPYING,
            ReplicaState.DELETING,
            ReplicaState.DELETED,
        }
    ),
    ReplicaState.SUSPECT: frozenset(
        {
            ReplicaState.COMPLETE,
            ReplicaState.CORRUPT,
            ReplicaState.MISSING,
            ReplicaState.COPYING,
            ReplicaState.DELETING,
            ReplicaState.DELETED,
        }
    ),
    ReplicaState.CORRUPT: frozenset(
        {
            ReplicaState.COMPLETE,
            ReplicaState.COPYING,
            ReplicaState.MISSING,
            ReplicaState.DELETING,
            ReplicaState.DELETED,
        }
    ),
    ReplicaState.MISSING: frozenset(
        {
            ReplicaState.COMPLETE,
            ReplicaState.COPYING,
            ReplicaState.CORRUPT,
            ReplicaState.DELETING,
            ReplicaState.DELETED,
        }
    ),
    ReplicaState.DELETING: frozenset({ReplicaState.DELETED, ReplicaState.SUSPECT}),
    ReplicaState.DELETED: frozenset({ReplicaState.PLANNED, ReplicaState.COPYING}),
}
"""SUSPECT from DELETING is a removal that was given up: what is left is looked at before it counts.
DELETED from anywhere is an erasure, which does not ask whether the bytes were good."""


class ReplicaOrigin(models.TextChoices):
    UPLOAD = "upload"
    REGISTERED = "registered"
    TRANSFER = "transfer"
    RUN = "run"


class Replica(models.Model):
    """A version in a store. While the version is a draft this is where its bytes gather."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    version = models.ForeignKey(Version, models.CASCADE, related_name="replicas")
    store = models.ForeignKey(Store, models.PROTECT, related_name="replicas")
    origin = models.CharField(max_length=16, choices=ReplicaOrigin.choices)
    base = models.TextField()
    """A file's key in the store is this and its path; ends with `/` unless empty."""
    state = models.CharField(max_length=16, choices=ReplicaState.choices)
    reason_code = models.CharField(max_length=64, blank=True)
    reason = models.TextField(blank=True)
    since = models.DateTimeField(auto_now_add=True)
    verified_at = models.DateTimeField(null=True)
    """When its bytes were last proved against the manifest, every one of them."""
    asked_by = models.CharField(max_length=150, blank=True)
    """Who asked for the transfer that made it; the reconciler removes what it made itself alone."""
    remove_after = models.DateTimeField(null=True)
    """Set while no policy, pin or subscription wants it: not removed before, and never in haste."""
    remove_reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "store"], name="one_replica_per_store"),
            models.CheckConstraint(
                condition=Q(state__in=ReplicaState.values), name="replica_state_is_known"
            ),
        ]
        indexes = [
            models.Index(
                fields=["remove_after"],
                name="replica_to_remove",
                condition=Q(remove_after__isnull=False),
            ),
            models.Index(fields=["state", "verified_at"], name="replica_to_scrub"),
        ]

    def __str__(self) -> str:
        return f"{self.version} at {self.store}"


class ReplicaLock(models.Model):
    """Until when a store keeps each object of a replica from everyone, because policies want it."""

    replica = models.OneToOneField(Replica, models.CASCADE, related_name="lock")
    until = models.DateTimeField()
    after = models.TextField(blank=True)
    """The last path that is locked so long, while there are more; they go in order."""
    locked_at = models.DateTimeField(null=True)
    """When the last file was locked; None while some are not."""
    reason = models.TextField(blank=True)
    """Why it does not go on; empty when nothing is in the way."""
    next_attempt_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.replica} until {self.until}"


class Arrival(models.Model):
    """A file of a draft whose bytes are on their way in, as long as its uploader is heard from.

    While one lives nobody else sends the same path, and the draft is not sealed.
    """

    version = models.ForeignKey(Version, models.CASCADE, related_name="arrivals")
    path = models.TextField()
    until = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "path"], name="one_arrival")]

    def __str__(self) -> str:
        return f"{self.path} of {self.version_id}"
