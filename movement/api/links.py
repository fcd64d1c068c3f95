"""The addresses of links: what operators declare of ways between sites, and what is measured."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.pagination import NewestFirst
from governance.api.authentication import principal_of
from movement import selectors, services
from movement.models import Link

Data = dict[str, Any]
_MOST = 2**63 - 1


class LinkIn(serializers.Serializer[Data]):
    """A link as it shall be, whole: what is left out has no limit and costs nothing."""

    source = serializers.CharField(max_length=64)  # type: ignore[assignment]  # a field, not the attribute
    target = serializers.CharField(max_length=64)
    open = serializers.BooleanField(default=True)
    bytes_per_second = serializers.IntegerField(
        min_value=1, max_value=_MOST, default=None, allow_null=True
    )
    slots = serializers.IntegerField(min_value=1, max_value=10_000, default=None, allow_null=True)
    cost_per_gb = serializers.DecimalField(
        max_digits=10, decimal_places=6, min_value=0, default=Decimal(0)
    )


class LinkOut(serializers.ModelSerializer[Link]):
    source = serializers.CharField(source="source.name")  # type: ignore[assignment]  # as above
    target = serializers.CharField(source="target.name")

    class Meta:
        model = Link
        fields = [
            "source", "target", "open", "bytes_per_second", "slots", "cost_per_gb",
            "measured_rate", "failure_rate", "measured_at",
        ]  # fmt: skip


class LinksView(ListAPIView[Link]):
    serializer_class = LinkOut
    pagination_class = NewestFirst
    queryset = Link.objects.none()

    def get_queryset(self) -> Any:
        return selectors.links(principal_of(self.request))

    @extend_schema(request=LinkIn, responses=LinkOut)
    def put(self, request: Request) -> Response:
        """Declare a link, whole. What was measured on it stays."""
        body = LinkIn(data=request.data)
        body.is_valid(raise_exception=True)
        link = services.change_link(principal_of(request), **body.validated_data)
        return Response(LinkOut(link).data)
