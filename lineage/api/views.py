"""The addresses of lineage. Each view parses, asks once, and renders."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.errors import Invalid
from governance.api.authentication import principal_of, user_of
from lineage import selectors, services
from lineage.api import marquez
from lineage.api import serializers as shapes
from lineage.api.parsing import EventParser
from lineage.engine.search import Direction
from lineage.models import EventState, LineageEvent

MAX_BATCH = 5000
_ANY_EVENT = {"application/json": {"type": "object", "additionalProperties": True}}
_ANY_EVENTS = {"application/json": {"type": "array", "items": {"type": "object"}}}


class LineageView(APIView):
    parser_classes = [EventParser]

    @extend_schema(request=_ANY_EVENT, responses={201: shapes.EventOut})
    def post(self, request: Request) -> Response:
        """Record an OpenLineage event. The same content again is the same event.

        An event that is odd, or that says more than the sender may say, is stored and flagged.
        """
        user_of(request)
        event = services.record(request.data, principal_of(request))
        return Response(shapes.EventOut(event).data, status=201)

    @extend_schema(parameters=[shapes.MarquezIn], responses=shapes.MarquezGraphOut)
    def get(self, request: Request) -> Response:
        """Answer in the shape of Marquez: what is around a dataset or a job."""
        asked = shapes.MarquezIn(data=request.query_params)
        asked.is_valid(raise_exception=True)
        question = selectors.Question(
            depth=asked.validated_data["depth"], limit=selectors.MAX_NODES
        )
        graph = selectors.graph(principal_of(request), asked.validated_data["nodeId"], question)
        return Response(marquez.lineage(graph))


class LineageBatchView(APIView):
    parser_classes = [EventParser]

    @extend_schema(request=_ANY_EVENTS, responses=shapes.BatchOut)
    def post(self, request: Request) -> Response:
        """Record many events at once; those that are flagged are listed with the reason."""
        user_of(request)
        rows = services.record_batch(_events_of(request.data), principal_of(request))
        return Response(shapes.BatchOut(_summary(rows)).data)


def _events_of(body: Any) -> list[Any]:
    if not isinstance(body, list):
        raise Invalid("A batch is a list of events.")
    if len(body) > MAX_BATCH:
        raise Invalid(f"A batch has at most {MAX_BATCH:,} events; this one has {len(body):,}.")
    return body


def _summary(rows: list[LineageEvent]) -> dict[str, Any]:
    flagged = [(i, row) for i, row in enumerate(rows) if row.state == EventState.FLAGGED]
    return {
        "status": "partial_success" if flagged else "success",
        "summary": {
            "received": len(rows),
            "successful": len(rows) - len(flagged),
            "failed": len(flagged),
        },
        "failed_events": [
            {"index": i, "reason": row.problem, "retriable": False} for i, row in flagged
        ],
    }


class LineageGraphView(APIView):
    @extend_schema(parameters=[shapes.GraphIn], responses=shapes.GraphOut)
    def get(self, request: Request) -> Response:
        """Tell what a product, version, column or job comes from and what comes from it."""
        asked = shapes.GraphIn(data=request.query_params)
        asked.is_valid(raise_exception=True)
        graph = selectors.graph(principal_of(request), *asked.question())
        return Response(shapes.GraphOut(graph).data)


class ColumnLineageView(APIView):
    @extend_schema(parameters=[shapes.ColumnLineageIn], responses=shapes.MarquezGraphOut)
    def get(self, request: Request) -> Response:
        """Answer in the shape of Marquez: which columns the columns of a dataset come from."""
        asked = shapes.ColumnLineageIn(data=request.query_params)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        way = Direction.BOTH if values["withDownstream"] else Direction.UP
        question = selectors.Question(way, values["depth"], selectors.MAX_NODES)
        graph = selectors.column_graph(principal_of(request), values["nodeId"], question)
        return Response(marquez.column_lineage(graph))
