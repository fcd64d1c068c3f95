"""Pipelines, their runs, and the units of work of a run."""

from __future__ import annotations

from django.db import models
from django.db.models import Exists, OuterRef, Q

from catalog.models import Product, Version
from core.ids import new_id


class Pipeline(models.Model):
    """A declared transformation of one product into another."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.SlugField(max_length=100, unique=True)
    source = models.ForeignKey(Product, models.PROTECT, related_name="pipelines_from")
    """What the first input of the document names."""
    target = models.ForeignKey(Product, models.PROTECT, related_name="pipelines_into")
    spec = models.JSONField()
    """The normal form of the document, as `Spec.as_json` gives it."""
    digest = models.CharField(max_length=71)
    """Of the document, the operators, the libraries and the tokenizers, when it was saved."""
    revision = models.PositiveIntegerField(default=1)
    created_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name


class PipelineInput(models.Model):
    """A product that a pipeline reads beside its source."""

    pipeline = models.ForeignKey(Pipeline, models.CASCADE, related_name="further")
    product = models.ForeignKey(Product, models.PROTECT, related_name="pipelines_beside")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pipeline", "product"], name="one_further_input"),
        ]

    def __str__(self) -> str:
        return f"{self.pipeline} reads {self.product}"


class RunState(models.TextChoices):
    QUEUED = "queued"
    CLAIMED = "claimed"
    RUNNING = "running"
    PUBLISHING = "publishing"
    DONE = "done"
    SKIPPED = "skipped"
    WAITING = "waiting"
    FAILED = "failed"
    CANCELLED = "cancelled"


_STOPS = frozenset({RunState.WAITING, RunState.FAILED, RunState.CANCELLED})
RUN_MOVES: dict[str, frozenset[str]] = {
    RunState.QUEUED: frozenset({RunState.CLAIMED, RunState.CANCELLED}),
    RunState.WAITING: frozenset(
        {RunState.CLAIMED, RunState.QUEUED, RunState.FAILED, RunState.CANCELLED}
    ),
    RunState.CLAIMED: _STOPS | {RunState.RUNNING, RunState.PUBLISHING, RunState.SKIPPED},
    RunState.RUNNING: _STOPS | {RunState.PUBLISHING},
    RunState.PUBLISHING: _STOPS | {RunState.DONE},
    RunState.FAILED: frozenset({RunState.QUEUED, RunState.CANCELLED}),
    RunState.CANCELLED: frozenset({RunState.QUEUED}),
    RunState.DONE: frozenset(),
    RunState.SKIPPED: frozenset(),
}
RUN_WORKING = frozenset({RunState.CLAIMED, RunState.RUNNING, RunState.PUBLISHING})
RUN_ACTIVE = RUN_WORKING | {RunState.QUEUED, RunState.WAITING}


class Run(models.Model):
    """One execution of a pipeline. This row is the truth; the queue is a doorbell.

    A coordinator holds it by a lease while it plans, opens a stage or publishes; in between, while
    the shards are at work, nobody holds it.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    pipeline = models.ForeignKey(Pipeline, models.PROTECT, related_name="runs")
    spec = models.JSONField()
    """The document as it was when the run was asked for."""
    input_version = models.ForeignKey(Version, models.PROTECT, related_name="runs_from")
    further_key = models.CharField(max_length=71, blank=True)
    """Tells the versions of the inputs behind the first, as `key_of` gives it; empty without."""
    target = models.ForeignKey(Product, models.PROTECT, related_name="runs_into")
    output_version = models.ForeignKey(
        Version, models.SET_NULL, null=True, related_name="runs_into"
    )
    """The draft while the run is under way; the version that is the result afterwards."""
    home = models.CharField(max_length=64, blank=True)
    """The name of the store in which draft, scratch and quarantine lie."""
    base = models.TextField(blank=True)
    """The key prefix of the draft's files in that store."""
    state = models.CharField(max_length=16, choices=RunState.choices, default=RunState.QUEUED)
    reason_code = models.CharField(max_length=64, blank=True)
    reason = models.TextField(blank=True)
    policies = models.JSONField(default=list)
    """The policies that refused it, if any did."""
    plan = models.JSONField(null=True)
    """As `Plan.to_json` gives it; null until the run is planned."""
    run_digest = models.CharField(max_length=71, blank=True)
    made_with = models.JSONField(null=True)
    """The operators, libraries and tokenizers with which it was planned, as `made_with` gives."""
    verdicts = models.JSONField(default=dict)
    """What the parity gate found, by tokenizer."""
    report = models.JSONField(null=True)
    """The sums over all shards, once they are done."""
    shards_total = models.PositiveIntegerField(default=0)
    """Units of work of all stages, maps and reduces."""
    asked_by = models.CharField(max_length=150)
    on_behalf_of = models.CharField(max_length=150, blank=True)
    """The person for whom an agent asked; both must still have the rights."""
    scopes = models.JSONField(null=True)
    """The scopes of the token that asked; null means all that the person may do."""
    policy = models.CharField(max_length=64, blank=True)
    """The services policy that asked for it and whose budget it keeps to; empty for a person's."""
    purpose = models.CharField(max_length=64, blank=True)
    """What the run is for: asked of the policies again at every unit of work."""
    after = models.ForeignKey("self", models.SET_NULL, null=True, related_name="followers")
    """The run that must have ended, well or not, before this one begins."""
    attempt = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    lease_owner = models.CharField(max_length=128, blank=True)
    lease_until = models.DateTimeField(null=True)
    fence = models.PositiveIntegerField(default=0)
    untidy = models.BooleanField(default=False)
    """True while objects of an ended run may still have to be removed."""
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=RunState.values), name="run_state_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["done", "skipped"]) | Q(output_version__isnull=False),
                name="done_run_has_a_version",
            ),
            models.UniqueConstraint(
                fields=["pipeline", "input_version", "further_key"],
                condition=Q(state__in=[str(state) for state in sorted(RUN_ACTIVE)]),
                name="one_active_run",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "next_attempt_at"]),
            models.Index(fields=["run_digest"]),
        ]

    def __str__(self) -> str:
        return f"{self.pipeline} {self.id}"


class RunInput(models.Model):
    """A version that a run reads behind the first one, in the order of the document."""

    run = models.ForeignKey(Run, models.CASCADE, related_name="further")
    position = models.PositiveIntegerField()
    version = models.ForeignKey(Version, models.PROTECT, related_name="runs_beside")

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["run", "position"], name="one_input_in_a_place"),
        ]

    def __str__(self) -> str:
        return f"{self.run_id} reads {self.version}"


class Schedule(models.Model):
    """When a policy runs a pipeline next. Whoever moves the time on has the turn."""

    policy = models.CharField(max_length=64)
    pipeline = models.ForeignKey(Pipeline, models.CASCADE, related_name="schedules")
    every = models.CharField(max_length=16)
    """As the policy says it; where it says something else now, the schedule begins anew."""
    next_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["policy", "pipeline"], name="one_schedule"),
        ]

    def __str__(self) -> str:
        return f"{self.policy}: {self.pipeline} every {self.every}"


HAS_ITS_TURN = ~Exists(Run.objects.filter(pk=OuterRef("after"), state__in=RUN_ACTIVE))
"""Of the runs that wait for the end of another: that it has ended."""


class ShardKind(models.TextChoices):
    MAP = "map"
    REDUCE = "reduce"


class ShardState(models.TextChoices):
    QUEUED = "queued"
    CLAIMED = "claimed"
    DONE = "done"
    FAILED = "failed"


SHARD_OPEN = frozenset({ShardState.QUEUED, ShardState.CLAIMED})


class RunShard(models.Model):
    """A unit of work of a run: one unit of a stage, or one task of the barrier behind it.

    Held by a lease with a fence number: only the holder of the latest fence may write.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    run = models.ForeignKey(Run, models.CASCADE, related_name="shards")
    stage = models.PositiveIntegerField()
    kind = models.CharField(max_length=8, choices=ShardKind.choices)
    index = models.PositiveIntegerField()
    state = models.CharField(max_length=16, choices=ShardState.choices, default=ShardState.QUEUED)
    reason_code = models.CharField(max_length=64, blank=True)
    reason = models.TextField(blank=True)
    digest = models.CharField(max_length=71, blank=True)
    """Of a shard of the first stage: equal ones give equal rows. Empty for all else."""
    attempt = models.PositiveIntegerField(default=0)
    """How often it was taken up since it last ended in an orderly way."""
    ring_at = models.DateTimeField()
    """When the sweeper rings for it next, if it is still queued then."""
    lease_owner = models.CharField(max_length=128, blank=True)
    lease_until = models.DateTimeField(null=True)
    fence = models.PositiveIntegerField(default=0)
    result = models.JSONField(null=True)
    """Of a map, as `ShardResult.to_json` gives it; of a reduce, how many rows it found."""
    seconds = models.FloatField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "stage", "kind", "index"], name="one_unit_of_work"
            ),
            models.CheckConstraint(
                condition=Q(state__in=ShardState.values), name="shard_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=ShardKind.values), name="shard_kind_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(state="done") | Q(result__isnull=False), name="done_shard_has_a_result"
            ),
        ]
        indexes = [
            models.Index(fields=["state", "ring_at"]),
            models.Index(fields=["digest"], condition=~Q(digest=""), name="shard_of_a_digest"),
        ]

    def __str__(self) -> str:
        return f"{self.run_id} {self.kind} {self.stage}/{self.index}"
