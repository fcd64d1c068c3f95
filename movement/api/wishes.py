"""The addresses of pins and subscriptions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.idempotency import idempotent
from governance.api.authentication import principal_of
from movement import services
from movement.models import Pin, Subscription
from movement.services.wishes import visible_pins, visible_subscriptions

Data = dict[str, Any]
_ENDED = OpenApiParameter("ended", bool, description="True shows those that ended as well.")


class PinIn(serializers.Serializer[Data]):
    version = serializers.CharField(max_length=600)
    store = serializers.CharField(max_length=64)
    reason = serializers.CharField(max_length=500)
    until = serializers.DateTimeField(required=False, allow_null=True, default=None)


class PinOut(serializers.ModelSerializer[Pin]):
    version = serializers.CharField(source="version.name")
    store = serializers.CharField(source="store.name")

    class Meta:
        model = Pin
        fields = [
            "id", "version", "store", "reason", "until", "asked_by", "created_at", "ended_at",
        ]  # fmt: skip


class SubscriptionIn(serializers.Serializer[Data]):
    """Keep the `latest` so many versions of a product at a site."""

    product = serializers.CharField(max_length=500)
    site = serializers.CharField(max_length=64)
    latest = serializers.IntegerField(min_value=1, max_value=1000, default=1)
    priority = serializers.IntegerField(min_value=0, max_value=9, default=5)


class SubscriptionOut(serializers.ModelSerializer[Subscription]):
    product = serializers.CharField(source="product.name")
    site = serializers.CharField(source="site.name")

    class Meta:
        model = Subscription
        fields = [
            "id", "product", "site", "latest", "priority", "asked_by", "created_at", "ended_at",
        ]  # fmt: skip


class PinsView(ListAPIView[Pin]):
    serializer_class = PinOut
    queryset = Pin.objects.none()

    def get_queryset(self) -> QuerySet[Pin]:
        return _standing(self.request, visible_pins(principal_of(self.request)))

    @extend_schema(parameters=[_ENDED])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(request=PinIn, responses={201: PinOut})
    @idempotent
    def post(self, request: Request) -> Response:
        """Keep a version in a store, whatever the policies ask."""
        body = PinIn(data=request.data)
        body.is_valid(raise_exception=True)
        pin = services.pin_version(principal_of(request), **body.validated_data)
        return Response(PinOut(pin).data, status=201)


class PinView(APIView):
    @extend_schema(responses={204: None})
    def delete(self, request: Request, pin_id: UUID) -> Response:
        """Lift a pin. Its copy goes late, and only if nothing else asks for it."""
        services.lift_pin(principal_of(request), pin_id)
        return Response(status=204)


class SubscriptionsView(ListAPIView[Subscription]):
    serializer_class = SubscriptionOut
    queryset = Subscription.objects.none()

    def get_queryset(self) -> QuerySet[Subscription]:
        return _standing(self.request, visible_subscriptions(principal_of(self.request)))

    @extend_schema(parameters=[_ENDED])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(request=SubscriptionIn, responses={201: SubscriptionOut})
    @idempotent
    def post(self, request: Request) -> Response:
        """Keep the latest versions of a product at a site, as they come."""
        body = SubscriptionIn(data=request.data)
        body.is_valid(raise_exception=True)
        row = services.subscribe_site(principal_of(request), **body.validated_data)
        return Response(SubscriptionOut(row).data, status=201)


class SubscriptionView(APIView):
    @extend_schema(responses={204: None})
    def delete(self, request: Request, subscription_id: UUID) -> Response:
        """End a subscription. Its copies go late, and only if nothing else asks for them."""
        services.end_subscription(principal_of(request), subscription_id)
        return Response(status=204)


def _standing(request: Request, rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows if request.query_params.get("ended") == "true" else rows.filter(ended_at=None)
