"""Transfers by when they ended."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request

SINCE = OpenApiParameter("since", str, description="Only what ended at or after this, or goes on.")
UNTIL = OpenApiParameter("until", str, description="Only what ended before this.")


class PeriodIn(serializers.Serializer[dict[str, Any]]):
    """A stretch of time, as ISO 8601; either end may be open."""

    since = serializers.DateTimeField(default=None, allow_null=True)
    until = serializers.DateTimeField(default=None, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = [attrs[key] for key in ("since", "until") if attrs[key] is not None]
        if any(not 1970 <= at.year <= 9000 for at in given):
            raise serializers.ValidationError("A time lies between the years 1970 and 9000.")
        return attrs


def period_of(request: Request) -> dict[str, Any]:
    asked = PeriodIn(
        data={key: request.query_params.get(key) or None for key in ("since", "until")}
    )
    asked.is_valid(raise_exception=True)
    return dict(asked.validated_data)


def ended_within(request: Request) -> Q:
    """Return the filter for transfers that `since` and `until` of the query ask for."""
    period, wanted = period_of(request), Q()
    if (since := period["since"]) is not None:
        wanted &= Q(finished_at__gte=since) | Q(finished_at__isnull=True)
    if (until := period["until"]) is not None:
        wanted &= Q(finished_at__lt=until)
    return wanted
