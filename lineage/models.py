"""Events as they came, and the graph that they tell of. Nothing here is ever deleted."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.ids import new_id
from lineage.engine.facts import EdgeKind as _EdgeKind
from lineage.engine.facts import NodeKey
from lineage.engine.facts import NodeKind as _NodeKind
from lineage.engine.facts import Origin as _Origin

NODE_KINDS = [(kind.value, kind.value) for kind in _NodeKind]
EDGE_KINDS = [(kind.value, kind.value) for kind in _EdgeKind]
ORIGINS = [(origin.value, origin.value) for origin in _Origin]


class EventState(models.TextChoices):
    STORED = "stored"
    APPLIED = "applied"
    FLAGGED = "flagged"


class LineageEvent(models.Model):
    """One OpenLineage event, kept for good. The same content is the same row."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    digest = models.CharField(max_length=71, unique=True)
    body = models.BinaryField()
    """The event as JSON, compressed with gzip."""
    received_at = models.DateTimeField()
    state = models.CharField(max_length=16, choices=EventState.choices)
    problem = models.TextField(blank=True)
    """Why it is flagged; on an applied event, the parts that were left out."""
    producer = models.CharField(max_length=2000, blank=True)
    run_id = models.CharField(max_length=300, blank=True)
    sent_by = models.CharField(max_length=150, blank=True)
    """The principal that sent it; empty for the mesh's own workers."""

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=EventState.values), name="lineage_event_state_is_known"
            )
        ]
        indexes = [models.Index(fields=["state", "id"]), models.Index(fields=["run_id"])]

    def __str__(self) -> str:
        return f"{self.digest} {self.state}"


class Node(models.Model):
    """A dataset, column, job, run, version, model, model version, endpoint or policy."""

    id = models.BigAutoField(primary_key=True)
    key = models.CharField(max_length=64, unique=True)
    """Digest of (kind, namespace, name, part): unique whatever their length."""
    kind = models.CharField(max_length=16, choices=NODE_KINDS)
    namespace = models.CharField(max_length=300)
    name = models.CharField(max_length=1000)
    """For a version or a column the name of its dataset, which decides who may see it."""
    part = models.CharField(max_length=300, blank=True)
    title = models.CharField(max_length=300, blank=True)
    run_state = models.CharField(max_length=16, blank=True)
    alias_of = models.ForeignKey("self", models.PROTECT, null=True, related_name="aliases")
    """The dataset that this is another name of; never a chain."""
    attrs = models.JSONField(default=dict)
    """What events tell beside the name (fields, description); opaque to queries."""
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=[kind.value for kind in _NodeKind]),
                name="lineage_node_kind_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(alias_of=models.F("id")), name="lineage_node_is_not_its_own_alias"
            ),
        ]
        indexes = [models.Index(fields=["namespace", "name", "kind"], name="lineage_node_by_name")]

    def __str__(self) -> str:
        return self.node_key.node_id

    @property
    def node_key(self) -> NodeKey:
        return NodeKey(_NodeKind(self.kind), self.namespace, self.name, self.part)


class LiveEdges(models.QuerySet["Edge"]):
    def live(self) -> LiveEdges:
        return self.filter(valid_to__isnull=True)


class Edge(models.Model):
    """`src` feeds `dst`, from `valid_from` until `valid_to`. An edge that ends is closed."""

    id = models.BigAutoField(primary_key=True)
    src = models.ForeignKey(Node, models.PROTECT, related_name="outgoing", db_index=False)
    dst = models.ForeignKey(Node, models.PROTECT, related_name="incoming", db_index=False)
    kind = models.CharField(max_length=16, choices=EDGE_KINDS)
    origin = models.CharField(max_length=16, choices=ORIGINS)
    via_job = models.ForeignKey(Node, models.PROTECT, null=True, related_name="carried")
    direct = models.BooleanField(default=True)
    subtype = models.CharField(max_length=64, blank=True)
    masking = models.BooleanField(default=False)
    explained = models.BooleanField(default=False)
    """On a `produces` edge: `derives` edges tell the sources, not the job's inputs."""
    confidence = models.FloatField(default=1.0)
    """0 to 1; 1 unless a guess."""
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True)
    first_run = models.CharField(max_length=300, blank=True)
    last_run = models.CharField(max_length=300, blank=True)
    count = models.PositiveBigIntegerField(default=1)
    """Events that told of it."""

    objects = LiveEdges.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["src", "dst", "kind", "origin"],
                condition=Q(valid_to__isnull=True),
                name="lineage_one_live_edge",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=[kind.value for kind in _EdgeKind]),
                name="lineage_edge_kind_is_known",
            ),
            models.CheckConstraint(
                condition=Q(origin__in=[origin.value for origin in _Origin]),
                name="lineage_edge_origin_is_known",
            ),
            models.CheckConstraint(
                condition=Q(confidence__gte=0, confidence__lte=1),
                name="lineage_edge_confidence_is_a_share",
            ),
        ]
        indexes = [
            models.Index(fields=["src", "dst"], name="lineage_edge_down"),
            models.Index(fields=["dst", "src"], name="lineage_edge_up"),
        ]

    def __str__(self) -> str:
        return f"{self.src_id} {self.kind} {self.dst_id}"
