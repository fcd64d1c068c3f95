"""The shapes of lineage on the wire: `…In` comes in, `…Out` goes out."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from lineage.engine.search import Direction
from lineage.models import EDGE_KINDS, NODE_KINDS, ORIGINS, LineageEvent
from lineage.selectors import MAX_DEPTH, MAX_NODES, Question

Values = dict[str, Any]


class EventOut(serializers.ModelSerializer[LineageEvent]):
    class Meta:
        model = LineageEvent
        fields = ["id", "digest", "state", "problem", "received_at"]


class BatchSummaryOut(serializers.Serializer[Values]):
    received = serializers.IntegerField()
    successful = serializers.IntegerField()
    failed = serializers.IntegerField()


class FailedEventOut(serializers.Serializer[Values]):
    index = serializers.IntegerField(help_text="The place in the list that was sent, from 0.")
    reason = serializers.CharField()
    retriable = serializers.BooleanField()


class BatchOut(serializers.Serializer[Values]):
    status = serializers.ChoiceField(["success", "partial_success"])
    summary = BatchSummaryOut()
    failed_events = FailedEventOut(many=True)


class GraphIn(serializers.Serializer[Values]):
    """How far to look; what is beyond the most is cut to the most."""

    name = serializers.CharField(required=False, help_text="A product or a version.")
    node = serializers.CharField(required=False, help_text="A node by its id.")
    direction = serializers.ChoiceField([way.value for way in Direction], default="both")
    depth = serializers.IntegerField(default=3, min_value=0, max_value=MAX_DEPTH)
    limit = serializers.IntegerField(default=150, min_value=1, max_value=MAX_NODES)
    as_of = serializers.DateTimeField(default=None, help_text="The graph as it was then.")

    def validate(self, attrs: Values) -> Values:
        if ("name" in attrs) == ("node" in attrs):
            raise serializers.ValidationError("Give a name or a node, and not both.")
        return attrs

    def question(self) -> tuple[str, Question]:
        """Return the node asked about and how far to look, after is_valid."""
        asked = self.validated_data
        question = Question(
            Direction(asked["direction"]), asked["depth"], asked["limit"], asked["as_of"]
        )
        return asked.get("name") or asked["node"], question


class MarquezIn(serializers.Serializer[Values]):
    nodeId = serializers.CharField(help_text="dataset:<namespace>:<name> or job:…")  # noqa: N815
    depth = serializers.IntegerField(default=MAX_DEPTH, min_value=0, max_value=MAX_DEPTH)


class ColumnLineageIn(MarquezIn):
    withDownstream = serializers.BooleanField(default=False)  # noqa: N815


class NodeOut(serializers.Serializer[Any]):
    id = serializers.CharField()
    kind = serializers.ChoiceField(NODE_KINDS)
    namespace = serializers.CharField(allow_blank=True)
    name = serializers.CharField(allow_blank=True)
    title = serializers.CharField(allow_blank=True)
    redacted = serializers.BooleanField()
    distance = serializers.IntegerField()


class EdgeOut(serializers.Serializer[Any]):
    source = serializers.CharField()  # type: ignore[assignment]  # the wire says it so
    target = serializers.CharField()
    kind = serializers.ChoiceField(EDGE_KINDS)
    origin = serializers.ChoiceField(ORIGINS)
    direct = serializers.BooleanField()


class GraphOut(serializers.Serializer[Any]):
    root = serializers.CharField()  # type: ignore[assignment]  # the wire says it so
    nodes = NodeOut(many=True)
    edges = EdgeOut(many=True)
    total = serializers.IntegerField(help_text="Nodes within the depth, drawn or not.")
    truncated = serializers.BooleanField()


class MarquezEdgeOut(serializers.Serializer[Values]):
    origin = serializers.CharField()
    destination = serializers.CharField()


class MarquezNodeOut(serializers.Serializer[Values]):
    id = serializers.CharField()
    type = serializers.ChoiceField(["DATASET", "JOB", "RUN", "DATASET_FIELD"])
    data = serializers.DictField()  # type: ignore[assignment]  # Marquez's word, not DRF's
    inEdges = MarquezEdgeOut(many=True)  # noqa: N815
    outEdges = MarquezEdgeOut(many=True)  # noqa: N815


class MarquezGraphOut(serializers.Serializer[Values]):
    graph = MarquezNodeOut(many=True)
