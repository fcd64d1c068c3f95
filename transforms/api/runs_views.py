"""The addresses of runs. Each view parses, asks one service or selector, and renders."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.idempotency import idempotent
from governance.api.authentication import principal_of, user_of
from governance.engine.entities import Principal
from transforms import selectors, services
from transforms.api import rendering
from transforms.api import runs_serializers as shapes
from transforms.api.serializers import PurposeIn
from transforms.engine.card import markdown, responsible_ai
from transforms.models import Run

ROWS_AT_MOST = 1000


class RunPipelineView(APIView):
    @extend_schema(request=PurposeIn, responses={201: shapes.RunDetailOut})
    @idempotent
    def post(self, request: Request, pipeline_id: UUID) -> Response:
        """Queue a run; its result is published as the next version of the output."""
        body = PurposeIn(data=request.data)
        body.is_valid(raise_exception=True)
        user_of(request)
        principal = principal_of(request)
        run = services.start_run(principal, pipeline_id, **body.validated_data)
        return Response(_rendered(principal, run.pk), status=201)


class RunsView(ListAPIView[Run]):
    serializer_class = shapes.RunOut
    queryset = Run.objects.none()

    def get_queryset(self) -> Any:
        rows = selectors.visible_runs(principal_of(self.request))
        asked = {
            "pipeline__name": self.request.query_params.get("pipeline"),
            "state": self.request.query_params.get("state"),
            "target__name": self.request.query_params.get("output"),
        }
        return rows.filter(**{field: value for field, value in asked.items() if value})

    @extend_schema(
        parameters=[
            OpenApiParameter("pipeline", str, description="Only of the pipeline of this name."),
            OpenApiParameter("state", str),
            OpenApiParameter("output", str, description="Only into the product of this name."),
        ]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class RunView(APIView):
    @extend_schema(responses=shapes.RunDetailOut)
    def get(self, request: Request, run_id: UUID) -> Response:
        return Response(_rendered(principal_of(request), run_id))


class CancelRunView(APIView):
    @extend_schema(request=None, responses=shapes.RunOut)
    def post(self, request: Request, run_id: UUID) -> Response:
        """Stop a run and give up what it has made."""
        run = services.cancel_run(principal_of(request), run_id)
        return Response(shapes.RunOut(run).data)


class RetryRunView(APIView):
    @extend_schema(request=None, responses=shapes.RunOut)
    def post(self, request: Request, run_id: UUID) -> Response:
        """Take a stopped run up again; what is done stays done."""
        run = services.retry_run(principal_of(request), run_id)
        return Response(shapes.RunOut(run).data)


class DiffRunsView(APIView):
    @extend_schema(
        parameters=[OpenApiParameter("with", OpenApiTypes.UUID, required=True)],
        responses=shapes.RunDiffOut,
    )
    def get(self, request: Request, run_id: UUID) -> Response:
        """Tell in what the run `with` differs from this one, down to the files of the results."""
        asked = shapes.DiffIn(data=request.query_params)
        asked.is_valid(raise_exception=True)
        other_id = asked.validated_data["with"]
        found = services.diff_runs(principal_of(request), run_id, other_id)
        return Response(shapes.RunDiffOut(found).data)


class QuarantineView(APIView):
    @extend_schema(parameters=[OpenApiParameter("rows", int)], responses=shapes.QuarantineOut)
    def get(self, request: Request, run_id: UUID) -> Response:
        """Show rows that could not be read, with place and reason, to who may read the input."""
        asked = request.query_params.get("rows", "")
        limit = min(int(asked), ROWS_AT_MOST) if asked.isascii() and asked.isdigit() else 100
        rows = services.quarantined_rows(principal_of(request), run_id, limit)
        return Response({"rows": rendering.render_set_aside(rows)})


class CardView(APIView):
    @extend_schema(responses=shapes.CardOut)
    def get(self, request: Request, run_id: UUID) -> Response:
        """Draft a dataset card from what the run knows: a page, and members for Croissant."""
        facts = services.card_of(principal_of(request), run_id)
        return Response({"markdown": markdown(facts), "croissant": responsible_ai(facts)})


def _rendered(principal: Principal, run_id: UUID) -> dict[str, Any]:
    return dict(shapes.RunDetailOut(selectors.run_for(principal, run_id)).data)
