"""The addresses of movement: sites, stores, replicas, transfers, plans, resolve."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Q
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.idempotency import idempotent
from governance.api.authentication import principal_of
from movement import selectors, services
from movement.api import serializers as shapes
from movement.api.history import SINCE, UNTIL, ended_within
from movement.models import Replica, Transfer

PRODUCT = OpenApiParameter("product", str, description="Only of the product of this name.")
VERSION = OpenApiParameter("version", str, description="Only of the version of this name or id.")
STORE = OpenApiParameter("store", str, description="Only at, or to, this store.")
STATE = OpenApiParameter("state", str, description="Only in this state.")
NAME = OpenApiParameter("name", str, required=True)


class ReplicasView(ListAPIView[Replica]):
    serializer_class = shapes.ReplicaOut
    queryset = Replica.objects.none()

    def get_queryset(self) -> Any:
        rows = selectors.visible_replicas(principal_of(self.request))
        return rows.filter(_wanted(self.request, store="store__name"))

    @extend_schema(parameters=[PRODUCT, VERSION, STORE, STATE])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


def _wanted(request: Request, *, store: str) -> Q:
    """Return the filter that the query string asks for."""
    asked, wanted = request.query_params, Q()
    if product := asked.get("product"):
        wanted &= Q(version__product__name=product)
    if version := asked.get("version"):
        wanted &= selectors.of_version(version)
    if named := asked.get("store"):
        wanted &= Q(**{store: named})
    if state := asked.get("state"):
        wanted &= Q(state=state)
    return wanted


class TransfersView(ListAPIView[Transfer]):
    serializer_class = shapes.TransferOut
    queryset = Transfer.objects.none()

    def get_queryset(self) -> Any:
        rows = selectors.visible_transfers(principal_of(self.request))
        wanted = _wanted(self.request, store="target__name")
        return rows.filter(wanted, ended_within(self.request))

    @extend_schema(parameters=[PRODUCT, VERSION, STORE, STATE, SINCE, UNTIL])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(request=shapes.TransferIn, responses={201: shapes.TransferOut})
    @idempotent
    def post(self, request: Request) -> Response:
        body = shapes.TransferIn(data=request.data)
        body.is_valid(raise_exception=True)
        transfer = services.request_transfer(principal_of(request), **body.validated_data)
        return Response(shapes.TransferOut(transfer).data, status=201)


class TransferView(APIView):
    @extend_schema(responses=shapes.TransferOut)
    def get(self, request: Request, transfer_id: UUID) -> Response:
        transfer = selectors.transfer_by_id(principal_of(request), transfer_id)
        return Response(shapes.TransferOut(transfer).data)


class CancelView(APIView):
    @extend_schema(request=None, responses=shapes.TransferOut)
    def post(self, request: Request, transfer_id: UUID) -> Response:
        transfer = services.cancel_transfer(principal_of(request), transfer_id)
        return Response(shapes.TransferOut(transfer).data)


class RetryView(APIView):
    @extend_schema(request=None, responses=shapes.TransferOut)
    def post(self, request: Request, transfer_id: UUID) -> Response:
        transfer = services.retry_transfer(principal_of(request), transfer_id)
        return Response(shapes.TransferOut(transfer).data)
