"""The addresses of movement: sites, stores, replicas, transfers, plans, resolve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import Q
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.idempotency import idempotent
from core.api.pagination import ByName
from governance.api.authentication import principal_of
from movement import selectors, services
from movement.api import serializers as shapes
from movement.engine.placement import Step
from movement.models import Replica, Site, Store, Transfer
from movement.services.reconcile import VersionPlan

PRODUCT = OpenApiParameter("product", str, description="Only of the product of this name.")
VERSION = OpenApiParameter("version", str, description="Only of the version of this name or id.")
STORE = OpenApiParameter("store", str, description="Only at, or to, this store.")
STATE = OpenApiParameter("state", str, description="Only in this state.")
NAME = OpenApiParameter("name", str, required=True)


class SitesView(ListAPIView[Site]):
    serializer_class = shapes.SiteOut
    pagination_class = ByName
    queryset = Site.objects.none()

    def get_queryset(self) -> Any:
        return selectors.sites(principal_of(self.request))

    @extend_schema(request=shapes.SiteIn, responses={201: shapes.SiteOut})
    @idempotent
    def post(self, request: Request) -> Response:
        body = shapes.SiteIn(data=request.data)
        body.is_valid(raise_exception=True)
        site = services.create_site(principal_of(request), **body.validated_data)
        return Response(shapes.SiteOut(site).data, status=201)


class SiteView(APIView):
    @extend_schema(request=shapes.SitePatch, responses=shapes.SiteOut)
    def patch(self, request: Request, name: str) -> Response:
        body = shapes.SitePatch(data=request.data)
        body.is_valid(raise_exception=True)
        principal = principal_of(request)
        services.set_site_state(principal, name, body.validated_data["state"])
        return Response(shapes.SiteOut(selectors.sites(principal).get(name=name)).data)


class StoresView(ListAPIView[Store]):
    serializer_class = shapes.StoreOut
    pagination_class = ByName
    queryset = Store.objects.none()

    def get_queryset(self) -> Any:
        return selectors.stores(principal_of(self.request))

    def get_serializer_context(self) -> dict[str, Any]:
        operator = selectors.is_operator(principal_of(self.request))
        return {**super().get_serializer_context(), "operator": operator}

    @extend_schema(request=shapes.StoreIn, responses={201: shapes.StoreOut})
    def post(self, request: Request) -> Response:
        """Register a store once it answers. Not under an idempotency key: that would hold a
        transaction while the store is asked; a repeat is told that the name is taken."""
        body = shapes.StoreIn(data=request.data)
        body.is_valid(raise_exception=True)
        store = services.create_store(principal_of(request), **body.validated_data)
        return Response(shapes.StoreOut(store, context={"operator": True}).data, status=201)


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
        return rows.filter(_wanted(self.request, store="target__name"))

    @extend_schema(parameters=[PRODUCT, VERSION, STORE, STATE])
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


class PlansView(APIView):
    @extend_schema(parameters=[NAME], responses=shapes.PlanOut)
    def get(self, request: Request) -> Response:
        """Explain what would be copied, kept or refused below a name. Nothing is moved."""
        asked = shapes.PlanIn(data=request.query_params)
        asked.is_valid(raise_exception=True)
        plans = services.plans_for(principal_of(request), asked.validated_data["name"])
        return Response(_plan_out(plans))

    @extend_schema(request=shapes.PlanIn, responses=shapes.PlanOut)
    def post(self, request: Request) -> Response:
        """Queue what the plan says; again changes nothing."""
        body = shapes.PlanIn(data=request.data)
        body.is_valid(raise_exception=True)
        plans = services.apply_plan(principal_of(request), body.validated_data["name"])
        return Response(_plan_out(plans))


def _plan_out(plans: Sequence[VersionPlan]) -> dict[str, Any]:
    items: list[dict[str, Any]] = [
        {
            "version": planned.version.name,
            "action": str(item.step),
            "source": planned.sources.get(item.store) if item.step is Step.COPY else None,
            "target": item.store,
            "bytes": planned.version.bytes,
            "policies": list(item.policies),
            "reason": item.reason,
        }
        for planned in plans
        for item in planned.plan.items
    ]
    unmet = [
        {"version": planned.version.name, "reason": planned.plan.unmet}
        for planned in plans
        if planned.plan.unmet is not None
    ]
    copied = sum(item["bytes"] for item in items if item["action"] == Step.COPY)
    return {"items": items, "unmet": unmet, "bytes": copied}
