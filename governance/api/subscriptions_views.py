"""Subscriptions to ports, as they stand now. Each view parses, asks one selector, and renders."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.errors import Invalid
from governance import resources, services, subscriptions
from governance.api.access_serializers import RequestOut
from governance.api.authentication import principal_of, user_of
from governance.api.subscriptions_serializers import PortSubscriptionOut
from governance.engine.entities import Action
from governance.models import AccessRequest, PortSubscription, SubscriptionState

STATES = SubscriptionState.values


def _rendered(rows: list[PortSubscription]) -> list[dict[str, Any]]:
    context = {"last_uses": subscriptions.last_uses(rows)}
    return list(PortSubscriptionOut(rows, many=True, context=context).data)


class PortSubscriptionsView(ListAPIView[PortSubscription]):
    """One's own subscriptions and those of one's teams, or with `administered` those of others to
    the products that one administers."""

    serializer_class = PortSubscriptionOut
    queryset = PortSubscription.objects.all()

    def get_queryset(self) -> Any:
        principal, asked = principal_of(self.request), self.request.query_params
        if asked.get("administered") == "true":
            rows = self.queryset.filter(subscriptions.administered_by(principal))
        else:
            rows = self.queryset.filter(
                subscriptions.subscriptions_of(principal, user_of(self.request))
            )
        if name := asked.get("name"):
            resource = resources.load(name)
            services.require(principal, Action.DISCOVER, resource)
            rows = rows.filter(name=resource.name)
        state = _state(asked["state"]) if asked.get("state") else None
        return subscriptions.standing(rows, state)

    @extend_schema(
        parameters=[
            OpenApiParameter("name", str, description="Only of this name."),
            OpenApiParameter("state", str, enum=STATES, description="Only those that stand so."),
            OpenApiParameter(
                "administered", bool, description="Everyone's, to the products you administer."
            ),
        ]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.get_queryset()) or []
        return self.get_paginated_response(_rendered(list(page)))


def _state(asked: str) -> SubscriptionState:
    if asked not in STATES:
        raise Invalid(f"`state` is one of {', '.join(STATES)}.", state=asked)
    return SubscriptionState(asked)


class PortSubscriptionView(APIView):
    @extend_schema(responses=PortSubscriptionOut)
    def get(self, request: Request, port_subscription_id: UUID) -> Response:
        found = subscriptions.subscription_for(
            principal_of(request), user_of(request), port_subscription_id
        )
        return Response(_rendered([found])[0])


class PortSubscriptionRequestsView(ListAPIView[AccessRequest]):
    """Everything that was asked for it, newest first: requests are added and never changed."""

    serializer_class = RequestOut
    queryset = AccessRequest.objects.select_related("user", "team", "decided_by")

    def get_queryset(self) -> Any:
        found = subscriptions.subscription_for(
            principal_of(self.request), user_of(self.request), self.kwargs["port_subscription_id"]
        )
        return super().get_queryset().filter(subscription=found)
