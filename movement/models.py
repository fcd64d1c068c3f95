"""Sites, stores, replicas and transfers. The files of a version are in its manifest."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from catalog.models import Version
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


class Site(models.Model):
    """A place with a jurisdiction."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.SlugField(max_length=64, unique=True)
    title = models.CharField(max_length=200)
    kind = models.CharField(max_length=16, choices=SiteKind.choices)
    jurisdictions = models.JSONField(default=list)
    """Codes from the narrowest to the widest, as in ["DE", "EU"]."""
    state = models.CharField(max_length=16, choices=SiteState.choices, default=SiteState.ONLINE)

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


class StoreKind(models.TextChoices):
    S3 = "s3"
    DIRECTORY = "directory"


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
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=StoreKind.values), name="store_kind_is_known"
            )
        ]

    def __str__(self) -> str:
        return self.name


class ReplicaState(models.TextChoices):
    PLANNED = "planned"
    COPYING = "copying"
    COMPLETE = "complete"
    SUSPECT = "suspect"
    CORRUPT = "corrupt"
    MISSING = "missing"
    DELETING = "deleting"
    DELETED = "deleted"


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

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "store"], name="one_replica_per_store"),
            models.CheckConstraint(
                condition=Q(state__in=ReplicaState.values), name="replica_state_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version} at {self.store}"


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
    attempt = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    lease_owner = models.CharField(max_length=128, blank=True)
    lease_until = models.DateTimeField(null=True)
    fence = models.PositiveIntegerField(default=0)
    files_total = models.PositiveBigIntegerField(default=0)
    files_done = models.PositiveBigIntegerField(default=0)
    bytes_total = models.PositiveBigIntegerField(default=0)
    bytes_done = models.PositiveBigIntegerField(default=0)
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
        indexes = [models.Index(fields=["state", "next_attempt_at"])]

    def __str__(self) -> str:
        return f"{self.version} to {self.target}"


class AuditCopy(models.Model):
    """How far the audit log is written to a store, which bears witness to what it once was."""

    store = models.OneToOneField(Store, models.CASCADE, related_name="audit_copy")
    size = models.BigIntegerField(default=0)
    """The entries that lie there; also the size of its newest checkpoint."""
    written_at = models.DateTimeField(null=True)
    forked = models.TextField(blank=True)
    """Why the store's checkpoint and our log cannot both be true; empty when they agree."""

    def __str__(self) -> str:
        return f"{self.size} entries at {self.store}"
