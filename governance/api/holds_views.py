"""The addresses of legal holds."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.idempotency import idempotent
from governance import services
from governance.api import holds_serializers as shapes
from governance.api.authentication import principal_of
from governance.engine.entities import Principal
from governance.holds import administered, names_above, visible_holds
from governance.models import LegalHold

NAME = OpenApiParameter("name", str, description="Those that bind this name, placed at or above.")
STANDING = OpenApiParameter("standing", bool, description="Without those that were lifted.")


def _out(principal: Principal, holds: list[LegalHold]) -> Any:
    context = {"administered": administered(principal, (hold.name for hold in holds))}
    return shapes.HoldOut(holds, many=True, context=context).data


class HoldsView(ListAPIView[LegalHold]):
    serializer_class = shapes.HoldOut
    queryset = LegalHold.objects.none()

    def get_queryset(self) -> Any:
        rows = visible_holds(principal_of(self.request))
        if name := self.request.query_params.get("name"):
            rows = rows.filter(name__in=names_above(name))
        if self.request.query_params.get("standing") == "true":
            rows = rows.filter(lifted_at__isnull=True)
        return rows

    @extend_schema(parameters=[NAME, STANDING])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = list(self.paginate_queryset(self.get_queryset()) or [])
        return self.get_paginated_response(_out(principal_of(request), page))

    @extend_schema(request=shapes.HoldIn, responses={201: shapes.HoldOut})
    @idempotent
    def post(self, request: Request) -> Response:
        """Hold everything at or below a name, at once."""
        body = shapes.HoldIn(data=request.data)
        body.is_valid(raise_exception=True)
        principal = principal_of(request)
        hold = services.place_hold(principal, **body.validated_data)
        return Response(_out(principal, [hold])[0], status=201)


class LiftHoldView(APIView):
    @extend_schema(request=shapes.LiftIn, responses=shapes.HoldOut)
    def post(self, request: Request, hold_id: UUID) -> Response:
        """Ask for a hold to be lifted; the same by a second person lifts it."""
        body = shapes.LiftIn(data=request.data)
        body.is_valid(raise_exception=True)
        principal = principal_of(request)
        hold = services.lift_hold(principal, hold_id, **body.validated_data)
        return Response(_out(principal, [hold])[0])
