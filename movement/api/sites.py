"""The addresses of sites: their list, their description and state, and their signs of life."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.idempotency import idempotent
from core.api.pagination import ByName
from governance.api.authentication import principal_of
from movement import selectors, services
from movement.api import site_serializers as shapes
from movement.holdings import holdings_of
from movement.models import Site


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
    @extend_schema(responses=shapes.SiteDetailOut)
    def get(self, request: Request, name: str) -> Response:
        """Show a site, what lies there, and, while it is drained, what does not leave by itself."""
        return _shown(request, name)

    @extend_schema(request=shapes.SitePatch, responses=shapes.SiteDetailOut)
    def patch(self, request: Request, name: str) -> Response:
        """Say what a site is like, in which state it is, and why."""
        body = shapes.SitePatch(data=request.data)
        body.is_valid(raise_exception=True)
        services.change_site(principal_of(request), name, body.validated_data)
        return _shown(request, name)


class HeartbeatView(APIView):
    @extend_schema(request=None, responses=shapes.SiteOut)
    def post(self, request: Request, name: str) -> Response:
        """Tell that the site lives. One that was off-line or lost is online from now on."""
        principal = principal_of(request)
        services.hear_from(principal, name)
        return Response(shapes.SiteOut(selectors.site_named(principal, name)).data)


def _shown(request: Request, name: str) -> Response:
    principal = principal_of(request)
    site = selectors.site_named(principal, name)
    lying = holdings_of(principal, site)
    return Response(shapes.SiteDetailOut(site, context={"holdings": lying}).data)
