"""Scans and their verdicts. Each view parses, asks one service, and renders."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.idempotency import idempotent
from governance.api.authentication import principal_of
from governance.models import Scan
from governance.services.scans import give_verdict
from transforms import selectors, services
from transforms.api import scans_serializers as shapes


class ScansView(ListAPIView[Scan]):
    serializer_class = shapes.ScanListOut
    queryset = Scan.objects.none()

    def get_queryset(self) -> Any:
        name = self.request.query_params.get("name", "")
        return selectors.scans_of(principal_of(self.request), name)

    @extend_schema(parameters=[OpenApiParameter("name", str, required=True)])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the scans of a product, or of the version named, the newest first."""
        return super().get(request, *args, **kwargs)

    @extend_schema(request=shapes.ScanIn, responses={202: shapes.ScanOut})
    @idempotent
    def post(self, request: Request) -> Response:
        """Scan the latest version once more, or the one named."""
        body = shapes.ScanIn(data=request.data)
        body.is_valid(raise_exception=True)
        scan = services.start_scan(principal_of(request), body.validated_data["name"])
        return Response(shapes.ScanOut(scan).data, status=202)


class ScanView(APIView):
    @extend_schema(responses=shapes.ScanOut)
    def get(self, request: Request, scan_id: UUID) -> Response:
        return Response(shapes.ScanOut(selectors.scan_for(principal_of(request), scan_id)).data)


class VerdictsView(APIView):
    @extend_schema(request=shapes.ScanVerdictIn, responses={201: shapes.ScanVerdictOut})
    def post(self, request: Request, scan_id: UUID) -> Response:
        """Confirm or reject a finding: the labels and the next scans follow."""
        body = shapes.ScanVerdictIn(data=request.data)
        body.is_valid(raise_exception=True)
        made = give_verdict(principal_of(request), scan_id, **body.validated_data)
        return Response(shapes.ScanVerdictOut(made).data, status=201)
