"""The addresses of erasures: asked for, agreed to, approved, followed, proved."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.idempotency import idempotent
from core.errors import Invalid
from governance.api.authentication import principal_of
from governance.engine.entities import Principal
from governance.models import ErasureOrder
from movement import services
from movement.api import erasure_serializers as shapes
from movement.orders import Sight, due_within, visible_orders
from movement.services.erasure import order_of
from movement.services.erasure_plan import Asked
from movement.services.erasure_statement import signed_receipt

NAME = OpenApiParameter("name", str, description="Only on this name.")
STATE = OpenApiParameter("state", str, description="Only in this state.")
DUE = OpenApiParameter(
    "due", int, description="Only open ones whose retention ends within so many days."
)
_LONGEST = 36_500


def _out(principal: Principal, order: ErasureOrder) -> Any:
    return shapes.ErasureOut(order, context={"sight": Sight(principal, [order])}).data


class ErasuresView(ListAPIView[ErasureOrder]):
    serializer_class = shapes.ErasureListOut
    queryset = ErasureOrder.objects.none()

    def get_queryset(self) -> Any:
        rows, asked = visible_orders(principal_of(self.request)), self.request.query_params
        if due := asked.get("due"):
            if not (due.isascii() and due.isdigit() and int(due) <= _LONGEST):
                raise Invalid(f"`due` is a number of days up to {_LONGEST}.", due=due)
            rows = due_within(rows, int(due))
        if state := asked.get("state"):
            rows = rows.filter(state=state)
        return rows

    @extend_schema(parameters=[NAME, STATE, DUE])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        principal, rows = principal_of(request), self.get_queryset()
        if name := request.query_params.get("name"):
            rows = rows.filter(name=name)
        page = list(self.paginate_queryset(rows) or [])
        sight = Sight(principal, page)
        shown = [order for order in page if not name or sight.may_name(order.name)]
        rendered = shapes.ErasureListOut(shown, many=True, context={"sight": sight})
        return self.get_paginated_response(rendered.data)

    @extend_schema(request=shapes.ErasureIn, responses={201: shapes.ErasureOut})
    @idempotent
    def post(self, request: Request) -> Response:
        """Plan an erasure. Nothing but the order is written."""
        body = shapes.ErasureIn(data=request.data)
        body.is_valid(raise_exception=True)
        given, principal = body.validated_data, principal_of(request)
        asked = Asked(given["name"], given["cascade"], given["registered"])
        order = services.propose_erasure(
            principal, asked, reason=given["reason"], basis=given["basis"]
        )
        return Response(_out(principal, order), status=201)


class ErasureView(APIView):
    @extend_schema(responses=shapes.ErasureOut)
    def get(self, request: Request, order_id: UUID) -> Response:
        """Show an order with its plan, its receipts and how far it is."""
        principal = principal_of(request)
        return Response(_out(principal, order_of(principal, order_id)))


class AgreeView(APIView):
    @extend_schema(request=shapes.AgreeIn, responses=shapes.ErasureOut)
    def post(self, request: Request, order_id: UUID) -> Response:
        """Agree, as the owner of a product that is reached, that it is erased as well."""
        body = shapes.AgreeIn(data=request.data)
        body.is_valid(raise_exception=True)
        principal = principal_of(request)
        order = services.agree_to_erasure(principal, order_id, **body.validated_data)
        return Response(_out(principal, order))


class ApproveErasureView(APIView):
    @extend_schema(request=shapes.ApproveErasureIn, responses=shapes.ErasureOut)
    def post(self, request: Request, order_id: UUID) -> Response:
        """Approve as a second person; it begins at once. Not under an idempotency key: what
        blocks it is noted on the order even though the request is refused."""
        body = shapes.ApproveErasureIn(data=request.data)
        body.is_valid(raise_exception=True)
        principal = principal_of(request)
        order = services.approve_erasure(principal, order_id, **body.validated_data)
        return Response(_out(principal, order))


class CancelErasureView(APIView):
    @extend_schema(request=shapes.CancelErasureIn, responses=shapes.ErasureOut)
    def post(self, request: Request, order_id: UUID) -> Response:
        """Call off an order that has not begun, or that is blocked."""
        body = shapes.CancelErasureIn(data=request.data)
        body.is_valid(raise_exception=True)
        principal = principal_of(request)
        order = services.cancel_erasure(principal, order_id, **body.validated_data)
        return Response(_out(principal, order))


class ReceiptView(APIView):
    @extend_schema(responses=shapes.SignedReceiptOut)
    def get(self, request: Request, order_id: UUID) -> Response:
        """Return the signed receipt with all it takes to verify it off-line."""
        principal = principal_of(request)
        found = signed_receipt(principal, order_of(principal, order_id))
        response = Response(found)
        response["Content-Disposition"] = f'attachment; filename="erasure-{order_id}.json"'
        return response
