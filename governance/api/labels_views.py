"""Labels and declassifications. Each view parses, asks one service, and renders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.idempotency import idempotent
from governance import labelling, resources, services
from governance.api import labels_serializers as shapes
from governance.api.authentication import principal_of
from governance.engine.entities import Action, Principal
from governance.models import Declassification, Label

NAME_FILTER = OpenApiParameter("name", str, description="Only of this name.")


def _current(principal: Principal, name: str) -> str:
    """Return what `name`, perhaps an old one, is called now, if the principal may know of it."""
    resource = resources.load(name)
    services.require(principal, Action.DISCOVER, resource)
    return resource.name


def _rendered(principal: Principal, labels: Sequence[Label]) -> list[dict[str, Any]]:
    context = {"evidence": labelling.told_paths(principal, labels)}
    return list(shapes.LabelOut(labels, many=True, context=context).data)


class LabelsView(ListAPIView[Label]):
    serializer_class = shapes.LabelOut
    queryset = Label.objects.filter(removed_at__isnull=True)

    def get_queryset(self) -> Any:
        name = self.request.query_params.get("name", "/")
        name = _current(principal_of(self.request), name)
        return super().get_queryset().filter(name=name)

    @extend_schema(parameters=[NAME_FILTER])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the labels in force and why each stands; what is hidden in a path is left out."""
        page = list(self.paginate_queryset(self.get_queryset()) or [])
        return self.get_paginated_response(_rendered(principal_of(request), page))

    @extend_schema(request=shapes.LabelIn, responses={201: shapes.LabelOut})
    @idempotent
    def post(self, request: Request) -> Response:
        body = shapes.LabelIn(data=request.data)
        body.is_valid(raise_exception=True)
        principal = principal_of(request)
        label = services.add_label(principal, **body.validated_data)
        return Response(_rendered(principal, [label])[0], status=201)


class LabelView(APIView):
    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, label_id: UUID) -> Response:
        """Take off a label that a person put there; others have a way of their own (409)."""
        services.remove_label(principal_of(request), label_id)
        return Response(status=204)


class DeclassificationsView(ListAPIView[Declassification]):
    serializer_class = shapes.DeclassificationOut
    queryset = Declassification.objects.all()

    def get_queryset(self) -> Any:
        name = self.request.query_params.get("name", "/")
        return super().get_queryset().filter(name=_current(principal_of(self.request), name))

    @extend_schema(parameters=[NAME_FILTER])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the declassifications of a product, the revoked ones too."""
        return super().get(request, *args, **kwargs)

    @extend_schema(request=shapes.DeclassificationIn, responses={201: shapes.DeclassificationOut})
    @idempotent
    def post(self, request: Request) -> Response:
        """Sign that an inherited label goes no further than this product or column."""
        body = shapes.DeclassificationIn(data=request.data)
        body.is_valid(raise_exception=True)
        made = services.declassify(principal_of(request), **body.validated_data)
        return Response(shapes.DeclassificationOut(made).data, status=201)


class RevokeDeclassificationView(APIView):
    @extend_schema(request=None, responses=shapes.DeclassificationOut)
    def post(self, request: Request, declassification_id: UUID) -> Response:
        """Take a declassification back; the label stands again at once."""
        made = services.revoke_declassification(principal_of(request), declassification_id)
        return Response(shapes.DeclassificationOut(made).data)
