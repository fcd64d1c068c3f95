"""The addresses of pipelines. Each view parses, asks one service or selector, and renders."""

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
from transforms import selectors, services
from transforms.api import rendering
from transforms.api import serializers as shapes
from transforms.engine.spec import document_schema
from transforms.models import Pipeline


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
        with services.at_their_place(body.validated_data.get("text")):
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
