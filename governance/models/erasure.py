"""Legal holds, orders to erase, and the receipts that tell what became of every place."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.ids import new_id


class LegalHold(models.Model):
    """Nothing at or below `name` is erased, removed or thrown away while this stands."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=500)
    """A domain, product or version; `/` is the whole mesh."""
    reference = models.CharField(max_length=200)
    """The case; shown to whoever may know of what is held."""
    reason = models.TextField()
    placed_by = models.CharField(max_length=150)
    placed_at = models.DateTimeField(auto_now_add=True)
    lift_asked_by = models.CharField(max_length=150, blank=True)
    """The first of the two people whom lifting takes."""
    lift_reason = models.TextField(blank=True)
    lifted_by = models.CharField(max_length=150, blank=True)
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["name", "reference"],
                condition=Q(lifted_at__isnull=True),
                name="one_standing_hold",
            ),
            models.CheckConstraint(
                condition=Q(lifted_at__isnull=True) | ~Q(lifted_by="") & ~Q(lift_asked_by=""),
                name="two_people_lift_a_hold",
            ),
        ]
        indexes = [models.Index(fields=["name"], name="hold_by_name")]

    def __str__(self) -> str:
        return f"{self.reference} on {self.name}"


class ErasureKind(models.TextChoices):
    ORDER = "order"
    RETENTION = "retention"


class Cascade(models.TextChoices):
    NONE = "none"
    DERIVED = "derived"


class Registered(models.TextChoices):
    """What becomes of objects that lie where their owner put them."""

    KEEP = "keep"
    DELETE = "delete"


class OrderState(models.TextChoices):
    PROPOSED = "proposed"
    APPROVED = "approved"
    ACTING = "acting"
    DONE = "done"
    CANCELLED = "cancelled"
    BLOCKED = "blocked"


ORDER_MOVES: dict[str, frozenset[str]] = {
    OrderState.PROPOSED: frozenset({OrderState.APPROVED, OrderState.CANCELLED, OrderState.BLOCKED}),
    OrderState.APPROVED: frozenset({OrderState.ACTING, OrderState.CANCELLED, OrderState.BLOCKED}),
    OrderState.ACTING: frozenset({OrderState.DONE, OrderState.BLOCKED}),
    OrderState.BLOCKED: frozenset({OrderState.APPROVED, OrderState.CANCELLED}),
    OrderState.DONE: frozenset(),
    OrderState.CANCELLED: frozenset(),
}
"""What blocks an order is mended by people, so it goes on only when it is approved anew."""
ORDER_OPEN = frozenset(
    {OrderState.PROPOSED, OrderState.APPROVED, OrderState.ACTING, OrderState.BLOCKED}
)
ORDER_AT_WORK = frozenset({OrderState.APPROVED, OrderState.ACTING})


class ErasureOrder(models.Model):
    """Whole versions are to be erased: proposed with its plan, approved by a second person, done.

    A worker holds it by a lease with a fence number, as it does a transfer.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=500)
    """The domain, product or version that it is about."""
    kind = models.CharField(max_length=16, choices=ErasureKind.choices)
    cascade = models.CharField(max_length=16, choices=Cascade.choices, default=Cascade.NONE)
    registered = models.CharField(
        max_length=16, choices=Registered.choices, default=Registered.KEEP
    )
    reason = models.TextField()
    basis = models.CharField(max_length=200)
    """The law or the rule, as in `GDPR Art. 17` or the id of the policy."""
    state = models.CharField(max_length=16, choices=OrderState.choices, default=OrderState.PROPOSED)
    reason_code = models.CharField(max_length=64, blank=True)
    why = models.TextField(blank=True)
    """What blocks it, or why it was called off."""
    plan = models.JSONField(default=dict)
    plan_digest = models.CharField(max_length=71, blank=True)
    """Of what the plan erases; who approves may say which plan they saw."""
    proposed_by = models.CharField(max_length=150)
    proposed_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField(null=True)
    """The end of a retention: it does not act earlier."""
    approved_by = models.CharField(max_length=150, blank=True)
    approved_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=150, blank=True)
    """Who cancelled it."""
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    statement = models.JSONField(null=True)
    """The signed receipt: a DSSE envelope."""
    next_attempt_at = models.DateTimeField(null=True)
    lease_owner = models.CharField(max_length=128, blank=True)
    lease_until = models.DateTimeField(null=True)
    fence = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["name", "kind"],
                condition=Q(state__in=[str(state) for state in sorted(ORDER_OPEN)]),
                name="one_open_erasure",
            ),
            models.CheckConstraint(
                condition=Q(state__in=OrderState.values), name="erasure_state_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["approved", "acting", "done"]) | ~Q(approved_by=""),
                name="erasure_is_approved",
            ),
            models.CheckConstraint(
                condition=~Q(state="done") | Q(statement__isnull=False),
                name="done_erasure_is_signed",
            ),
        ]
        indexes = [models.Index(fields=["state", "next_attempt_at"], name="erasure_due")]

    def __str__(self) -> str:
        return f"{self.kind} on {self.name}"


class ErasureAsk(models.Model):
    """A product that an order reaches and that is another's: its owner decides on it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    order = models.ForeignKey(ErasureOrder, models.CASCADE, related_name="asks")
    name = models.CharField(max_length=500)
    agreed_by = models.CharField(max_length=150, blank=True)
    agreed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "name"], name="one_erasure_ask")]
        indexes = [models.Index(fields=["name"], name="erasure_ask_by_name")]

    def __str__(self) -> str:
        return f"{self.order_id} asks {self.name}"


class TargetKind(models.TextChoices):
    VERSION = "version"
    REPLICA = "replica"
    DERIVED = "derived"
    INDEX = "index"
    LINEAGE = "lineage"
    QUARANTINE = "quarantine"
    CACHE = "cache"
    PREVIEW = "preview"
    UPLOAD = "upload-part"


class ReceiptState(models.TextChoices):
    PENDING = "pending"
    ERASED = "erased"
    KEPT = "kept"
    FAILED = "failed"


class ErasureReceipt(models.Model):
    """What became of one place. Final once it is no longer pending."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    order = models.ForeignKey(ErasureOrder, models.CASCADE, related_name="receipts")
    kind = models.CharField(max_length=16, choices=TargetKind.choices)
    name = models.CharField(max_length=500)
    """The version, or the product, whose content it is."""
    version_id = models.UUIDField(null=True)
    place = models.CharField(max_length=64)
    """The store, or `catalog`, `lineage`."""
    base = models.TextField(blank=True)
    """The key prefix in the store; not part of the signed receipt."""
    details = models.JSONField(default=dict)
    """What the worker needs to know to erase it."""
    state = models.CharField(
        max_length=16, choices=ReceiptState.choices, default=ReceiptState.PENDING
    )
    reason_code = models.CharField(max_length=64, blank=True)
    reason = models.TextField(blank=True)
    evidence = models.JSONField(default=dict)
    """digest, files, bytes, and when the absence was verified."""
    attempt = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["order", "kind", "name", "place", "base"], name="one_receipt_per_place"
            ),
            models.CheckConstraint(
                condition=Q(state__in=ReceiptState.values), name="receipt_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=TargetKind.values), name="receipt_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state="pending") | Q(settled_at__isnull=False),
                name="final_receipt_is_dated",
            ),
        ]
        indexes = [models.Index(fields=["order", "state"], name="receipts_of_an_order")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name} at {self.place}: {self.state}"
