"""The addresses of transforms. Each view parses, asks one service or selector, and renders."""

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
from transforms.api import serializers as shapes
from transforms.engine.card import markdown, responsible_ai
from transforms.engine.spec import document_schema
from transforms.models import Pipeline, Run

ROWS_AT_MOST = 1000


class PipelinesView(ListAPIView[Pipeline]):
    serializer_class = shapes.PipelineListOut
    queryset = Pipeline.objects.none()

    def get_queryset(self) -> Any:
        asked = self.request.query_params
        rows = selectors.listed_pipelines(principal_of(self.request), asked.get("q", ""))
        if name := asked.get("name"):
            rows = rows.filter(name=name)
        return rows

    @extend_schema(
        parameters=[
            OpenApiParameter("name", str),
            OpenApiParameter("q", str, description="Part of the name, of the input or output."),
        ]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List pipelines with the last run of each, the newest first."""
        return super().get(request, *args, **kwargs)

    @extend_schema(request=shapes.PipelineIn, responses={201: shapes.PipelineOut})
    def post(self, request: Request) -> Response:
        """Save a pipeline. The same document again changes nothing; another is a revision."""
        body = shapes.PipelineIn(data=request.data)
        body.is_valid(raise_exception=True)
        user_of(request)
        pipeline = services.save_pipeline(principal_of(request), **body.validated_data)
        return Response(shapes.PipelineOut(pipeline).data, status=201)


class PipelineSchemaView(APIView):
    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """Return the JSON Schema of pipeline documents."""
        return Response(document_schema())


class PipelineView(APIView):
    @extend_schema(responses=shapes.PipelineOut)
    def get(self, request: Request, pipeline_id: UUID) -> Response:
        pipeline = selectors.pipeline_for(principal_of(request), pipeline_id)
        return Response(shapes.PipelineOut(pipeline).data)


class PlanPipelineView(APIView):
    @extend_schema(request=shapes.PurposeIn, responses=shapes.PipelinePlanOut)
    def post(self, request: Request, pipeline_id: UUID) -> Response:
        """Explain what a run would do now, without doing it."""
        body = shapes.PurposeIn(data=request.data)
        body.is_valid(raise_exception=True)
        found = services.plan_pipeline(principal_of(request), pipeline_id, **body.validated_data)
        return Response(rendering.render_plan(found))


class SamplePipelineView(APIView):
    @extend_schema(request=shapes.SampleIn, responses=shapes.SampleOut)
    def post(self, request: Request, pipeline_id: UUID) -> Response:
        """Run the first rows and show what becomes of them. Long values are cut."""
        body = shapes.SampleIn(data=request.data)
        body.is_valid(raise_exception=True)
        found = services.sample_pipeline(principal_of(request), pipeline_id, **body.validated_data)
        return Response(rendering.render_sample(found))


class RunPipelineView(APIView):
    @extend_schema(request=shapes.PurposeIn, responses={201: shapes.RunDetailOut})
    @idempotent
    def post(self, request: Request, pipeline_id: UUID) -> Response:
        """Queue a run; its result is published as the next version of the output."""
        body = shapes.PurposeIn(data=request.data)
        body.is_valid(raise_exception=True)
        user_of(request)
        principal = principal_of(request)
        run = services.start_run(principal, pipeline_id, **body.validated_data)
        return Response(_rendered(principal, run.pk), status=201)


class BackfillView(APIView):
    @extend_schema(
        request=shapes.BackfillIn, responses={200: shapes.BackfillOut, 201: shapes.BackfillOut}
    )
    @idempotent
    def post(self, request: Request, name: str) -> Response:
        """Queue a run for each version of a range, the oldest first and one after the other.

        What the pipeline made already is skipped. A dry run tells what would be done.
        """
        body = shapes.BackfillIn(data=request.data)
        body.is_valid(raise_exception=True)
        user_of(request)
        asked = dict(body.validated_data)
        numbers = asked.pop("from"), asked.pop("to")
        found = services.backfill(principal_of(request), name, numbers, **asked)
        return Response(shapes.BackfillOut(found).data, status=200 if found.dry_run else 201)


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
