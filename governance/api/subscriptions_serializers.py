"""The shapes of subscriptions to ports on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from governance.models import PortSubscription, SubscriptionState

Data = dict[str, Any]


class SubscriptionGrantOut(serializers.Serializer[Data]):
    """A grant that holds."""

    id = serializers.UUIDField()
    purpose = serializers.CharField()
    expires_at = serializers.DateTimeField()


class PortSubscriptionOut(serializers.ModelSerializer[PortSubscription]):
    """Query it with governance.subscriptions.standing; give `last_uses` in the context."""

    username = serializers.CharField(source="user.username", default="")
    team = serializers.CharField(source="team.slug", default=None, allow_null=True)
    state = serializers.ChoiceField(choices=SubscriptionState.choices)
    purposes = serializers.SerializerMethodField()
    grants = serializers.SerializerMethodField()
    pending_request = serializers.UUIDField(allow_null=True)
    expires_at = serializers.DateTimeField(
        allow_null=True, help_text="When the last of its grants ends; null when none holds."
    )
    ended_at = serializers.DateTimeField(
        allow_null=True, help_text="When its last grant was revoked or expired, if none holds."
    )
    last_read_at = serializers.SerializerMethodField()

    class Meta:
        model = PortSubscription
        fields = [
            "id", "username", "team", "name", "port", "state", "purposes", "grants",
            "pending_request", "created_at", "expires_at", "ended_at", "last_read_at",
        ]  # fmt: skip

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_purposes(self, row: Any) -> list[str]:
        """Return what it is granted for; what was asked for last where nothing is."""
        granted = sorted({request.purpose for request in row.granting})
        return granted or [row.asked_for]

    @extend_schema_field(SubscriptionGrantOut(many=True))
    def get_grants(self, row: Any) -> Any:
        return [SubscriptionGrantOut(request.grant).data for request in row.granting]

    def get_last_read_at(self, row: PortSubscription) -> datetime | None:
        """Return when the consumer last read the product, by whichever port."""
        found: datetime | None = self.context["last_uses"].get(row.pk)
        return found
