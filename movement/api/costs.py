"""What copies cost, by product, tenant, store or site."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.api.views import page_size
from governance.api.authentication import principal_of
from movement.api.history import PeriodIn
from movement.costs import By, Question, costs

_BY = [(str(by), str(by)) for by in By]


class CostsIn(PeriodIn):
    by = serializers.ChoiceField(choices=_BY, default=By.PRODUCT)
    name = serializers.CharField(max_length=600, default="/")
    cursor = serializers.CharField(max_length=600, default="")


class CostOut(serializers.Serializer[Any]):
    """Money is in the unit in which the operators write their prices."""

    key = serializers.CharField()
    bytes = serializers.IntegerField()
    storage_month = serializers.FloatField()
    transfers = serializers.IntegerField()
    moved_bytes = serializers.IntegerField()
    movement = serializers.FloatField()
    forecast_month = serializers.FloatField()


class CostsOut(serializers.Serializer[Any]):
    by = serializers.ChoiceField(choices=_BY)
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    total = CostOut()
    results = CostOut(many=True, source="rows")
    next_cursor = serializers.CharField(allow_null=True)


class CostsView(APIView):
    @extend_schema(
        parameters=[
            OpenApiParameter("by", str, enum=[str(by) for by in By]),
            OpenApiParameter("name", str, description="A product, or what names begin with."),
            OpenApiParameter("since", str, description="Copies that ended at or after this."),
            OpenApiParameter("until", str, description="Copies that ended before this."),
            OpenApiParameter("cursor", str, description="As the page before gave it."),
            OpenApiParameter("page_size", int),
        ],
        responses=CostsOut,
    )
    def get(self, request: Request) -> Response:
        """Tell what the products that you administer cost to keep and to move."""
        given = {key: request.query_params[key] for key in request.query_params}
        asked = CostsIn(data={key: value for key, value in given.items() if value})
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        question = Question(
            By(wanted["by"]),
            wanted["name"],
            wanted["since"],
            wanted["until"],
            wanted["cursor"],
            page_size(request, default=50, largest=500),
        )
        return Response(CostsOut(costs(principal_of(request), question)).data)
