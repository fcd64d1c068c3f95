"""The addresses of documents that are being written: nothing of them is kept."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.api.authentication import principal_of, user_of
from transforms import services
from transforms.api import documents_serializers as shapes
from transforms.api import rendering
from transforms.api.serializers import PipelinePlanOut, SampleOut


class CheckDraftView(APIView):
    @extend_schema(
        operation_id="pipelines_check_document",
        request=shapes.DocumentIn,
        responses=shapes.CheckedOut,
    )
    def post(self, request: Request) -> Response:
        """Tell every problem for which a document would not be saved, without saving it."""
        body = shapes.DocumentIn(data=request.data)
        body.is_valid(raise_exception=True)
        user_of(request)
        found = services.check_draft(principal_of(request), services.Draft(**body.validated_data))
        return Response(shapes.CheckedOut(found).data)


class PlanDraftView(APIView):
    @extend_schema(
        operation_id="pipelines_plan_document",
        request=shapes.DocumentIn,
        responses=PipelinePlanOut,
    )
    def post(self, request: Request) -> Response:
        """Explain what a run of a document would do now, without saving it."""
        body = shapes.DocumentIn(data=request.data)
        body.is_valid(raise_exception=True)
        user_of(request)
        found = services.plan_draft(principal_of(request), services.Draft(**body.validated_data))
        return Response(rendering.render_plan(found))


class SampleDraftView(APIView):
    @extend_schema(
        operation_id="pipelines_sample_document",
        request=shapes.DraftSampleIn,
        responses=SampleOut,
    )
    def post(self, request: Request) -> Response:
        """Run the first rows through a document that is not saved. Long values are cut."""
        body = shapes.DraftSampleIn(data=request.data)
        body.is_valid(raise_exception=True)
        user_of(request)
        asked = dict(body.validated_data)
        rows = asked.pop("rows")
        found = services.sample_draft(principal_of(request), services.Draft(**asked), rows)
        return Response(rendering.render_sample(found))
