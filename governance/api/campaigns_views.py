"""Recertification campaigns. Each view parses, asks one service or selector, and renders."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.idempotency import idempotent
from governance import campaigns, grants, services
from governance.api import access_serializers as shapes
from governance.api.authentication import principal_of, user_of
from governance.models import Campaign, CampaignItem


def _rendered(request: Request, campaign_id: UUID) -> dict[str, Any]:
    found = campaigns.campaign_for(principal_of(request), user_of(request), campaign_id)
    return dict(shapes.CampaignOut(found).data)


def _items(rows: list[CampaignItem]) -> Any:
    last_reads = grants.last_reads(row.grant for row in rows)
    return shapes.ItemOut(rows, many=True, context={"last_reads": last_reads}).data


class CampaignsView(ListAPIView[Campaign]):
    """The campaigns that you opened or have something to decide in."""

    serializer_class = shapes.CampaignOut
    queryset = Campaign.objects.none()

    def get_queryset(self) -> Any:
        return campaigns.visible_campaigns(principal_of(self.request), user_of(self.request))

    @extend_schema(request=shapes.CampaignIn, responses={201: shapes.CampaignOut})
    @idempotent
    def post(self, request: Request) -> Response:
        """Open a campaign over the live grants below a prefix that you administer."""
        body = shapes.CampaignIn(data=request.data)
        body.is_valid(raise_exception=True)
        opened = services.open_campaign(
            user_of(request), principal_of(request), **body.validated_data
        )
        return Response(_rendered(request, opened.pk), status=201)


class CampaignView(APIView):
    @extend_schema(responses=shapes.CampaignOut)
    def get(self, request: Request, campaign_id: UUID) -> Response:
        return Response(_rendered(request, campaign_id))


class CampaignItemsView(ListAPIView[CampaignItem]):
    """The grants of a campaign on products that you administer, with when each was last used."""

    serializer_class = shapes.ItemOut
    queryset = CampaignItem.objects.none()

    def get_queryset(self) -> Any:
        principal = principal_of(self.request)
        found = campaigns.campaign_for(principal, user_of(self.request), self.kwargs["campaign_id"])
        return campaigns.items_for(principal, found)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.get_queryset()) or []
        return self.get_paginated_response(_items(list(page)))

    @extend_schema(request=shapes.ItemsIn, responses=shapes.ItemOut(many=True))
    def post(self, request: Request, campaign_id: UUID) -> Response:
        """Keep or revoke several grants at once: all of them, or none where one cannot be."""
        body = shapes.ItemsIn(data=request.data)
        body.is_valid(raise_exception=True)
        rows = services.decide_items(
            user_of(request), principal_of(request), campaign_id, **body.validated_data
        )
        return Response(_items(rows))


class CampaignItemView(APIView):
    @extend_schema(
        operation_id="campaigns_item_decide", request=shapes.ItemIn, responses=shapes.ItemOut
    )
    def post(self, request: Request, campaign_id: UUID, item_id: UUID) -> Response:
        body = shapes.ItemIn(data=request.data)
        body.is_valid(raise_exception=True)
        rows = services.decide_items(
            user_of(request),
            principal_of(request),
            campaign_id,
            items=[item_id],
            **body.validated_data,
        )
        return Response(_items(rows)[0])


class CloseCampaignView(APIView):
    @extend_schema(request=None, responses=shapes.CampaignOut)
    def post(self, request: Request, campaign_id: UUID) -> Response:
        services.close_campaign(user_of(request), principal_of(request), campaign_id)
        return Response(_rendered(request, campaign_id))
