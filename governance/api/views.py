"""The addresses of governance. Each view parses, asks one service, and renders."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.idempotency import idempotent
from governance import resources, services
from governance.api import serializers as shapes
from governance.api.authentication import principal_of
from governance.engine.entities import Action, Principal
from governance.models import Label


def _current(principal: Principal, name: str) -> str:
    """Return what `name`, perhaps an old one, is called now, if the principal may know of it."""
    resource = resources.load(name)
    services.require(principal, Action.DISCOVER, resource)
    return resource.name


NAME_FILTER = OpenApiParameter("name", str, description="Only of this name.")


class LabelsView(ListAPIView[Label]):
    serializer_class = shapes.LabelOut
    queryset = Label.objects.filter(removed_at__isnull=True)

    def get_queryset(self) -> Any:
        name = self.request.query_params.get("name", "/")
        name = _current(principal_of(self.request), name)
        return super().get_queryset().filter(name=name)

    @extend_schema(parameters=[NAME_FILTER])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(request=shapes.LabelIn, responses={201: shapes.LabelOut})
    @idempotent
    def post(self, request: Request) -> Response:
        body = shapes.LabelIn(data=request.data)
        body.is_valid(raise_exception=True)
        label = services.add_label(principal_of(request), **body.validated_data)
        return Response(shapes.LabelOut(label).data, status=201)


class LabelView(APIView):
    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, label_id: UUID) -> Response:
        services.remove_label(principal_of(request), label_id)
        return Response(status=204)
