"""The shapes of sites on the wire: `…In` is parsed, `…Out` is rendered."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from movement.engine.calendar import DAYS, MOST_WINDOWS
from movement.models import Site, SiteKind, SiteState
from movement.services.contact import contact_of

Data = dict[str, Any]


class WindowShape(serializers.Serializer[Data]):
    """A stretch of each week in UTC; one that ends before it begins ends on the next day."""

    days = serializers.ListField(
        child=serializers.ChoiceField(choices=[(day, day) for day in DAYS]),
        allow_empty=False,
        max_length=7,
    )
    to = serializers.RegexField(r"^[0-9]{2}:[0-9]{2}$", help_text="HH:MM; 24:00 is the day's end.")
    bytes_per_second = serializers.IntegerField(min_value=1, allow_null=True, default=None)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """`from` is a word of Python's, so that it cannot be declared like the others."""
        begin = serializers.RegexField(r"^[0-9]{2}:[0-9]{2}$", help_text="HH:MM.")
        return {"from": begin, **super().get_fields()}


def _jurisdictions(**told: Any) -> serializers.ListField:
    return serializers.ListField(
        child=serializers.CharField(max_length=8), max_length=20, allow_empty=False, **told
    )


class SiteIn(serializers.Serializer[Data]):
    name = serializers.CharField(max_length=64)
    title = serializers.CharField(max_length=200)
    kind = serializers.ChoiceField(choices=SiteKind.choices)
    jurisdictions = _jurisdictions()


class SitePatch(serializers.Serializer[Data]):
    """What is left out stays. Jurisdictions change only while nothing lies at the site."""

    title = serializers.CharField(max_length=200, required=False)
    jurisdictions = _jurisdictions(required=False)
    state = serializers.ChoiceField(choices=SiteState.choices, required=False)
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True)
    expected_back = serializers.DateTimeField(required=False, allow_null=True)
    grace_hours = serializers.IntegerField(required=False, min_value=0, max_value=24 * 365)
    windows = serializers.ListField(child=WindowShape(), required=False, max_length=MOST_WINDOWS)


class ContactOut(serializers.Serializer[Any]):
    """Whether bytes may pass now, by the site's state and its windows."""

    open = serializers.BooleanField()
    until = serializers.DateTimeField(allow_null=True)
    next = serializers.DateTimeField(allow_null=True)
    bytes_per_second = serializers.IntegerField(allow_null=True)
    reason_code = serializers.CharField(allow_blank=True)
    reason = serializers.CharField(allow_blank=True)


class SiteOut(serializers.ModelSerializer[Site]):
    jurisdictions = serializers.ListField(child=serializers.CharField())
    windows = WindowShape(many=True)
    stores = serializers.IntegerField(source="stores_count", default=0)
    contact = serializers.SerializerMethodField()

    class Meta:
        model = Site
        fields = [
            "id", "name", "title", "kind", "jurisdictions", "state", "state_since", "state_reason",
            "expected_back", "grace_hours", "windows", "last_seen", "contact", "stores",
        ]  # fmt: skip

    @extend_schema_field(ContactOut)
    def get_contact(self, site: Site) -> Any:
        return ContactOut(contact_of(site, timezone.now())).data


class ObstacleOut(serializers.Serializer[Any]):
    reason_code = serializers.CharField()
    reason = serializers.CharField()
    replicas = serializers.IntegerField()
    versions = serializers.ListField(child=serializers.CharField())


class HoldingsOut(serializers.Serializer[Any]):
    """What lies at a site, of what one may know of; `left_to_move` while it is drained."""

    replicas = serializers.IntegerField()
    bytes = serializers.IntegerField()
    left_to_move = serializers.IntegerField()
    bytes_left = serializers.IntegerField()
    blocked = ObstacleOut(many=True)


class SiteDetailOut(SiteOut):
    holdings = serializers.SerializerMethodField()

    class Meta(SiteOut.Meta):
        fields = [*SiteOut.Meta.fields, "holdings"]

    @extend_schema_field(HoldingsOut)
    def get_holdings(self, site: Site) -> Any:
        return HoldingsOut(self.context["holdings"]).data
