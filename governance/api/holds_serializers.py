"""The shapes of legal holds on the wire."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from governance.models import LegalHold

Data = dict[str, Any]


class HoldIn(serializers.Serializer[Data]):
    name = serializers.CharField(max_length=500)
    reference = serializers.CharField(max_length=200)
    reason = serializers.CharField(max_length=4000)


class LiftIn(serializers.Serializer[Data]):
    reason = serializers.CharField(max_length=4000, allow_blank=True, default="")


class HoldOut(serializers.ModelSerializer[LegalHold]):
    """`reason` and the people are for those who administer the name; others read the reference."""

    state = serializers.SerializerMethodField()
    reason = serializers.SerializerMethodField()
    placed_by = serializers.SerializerMethodField()
    lift_asked_by = serializers.SerializerMethodField()
    lift_reason = serializers.SerializerMethodField()
    lifted_by = serializers.SerializerMethodField()

    class Meta:
        model = LegalHold
        fields = [
            "id", "name", "reference", "reason", "state", "placed_by", "placed_at",
            "lift_asked_by", "lift_reason", "lifted_by", "lifted_at",
        ]  # fmt: skip

    @extend_schema_field(serializers.ChoiceField(choices=["standing", "lift_asked", "lifted"]))
    def get_state(self, hold: LegalHold) -> str:
        if hold.lifted_at is not None:
            return "lifted"
        return "lift_asked" if hold.lift_asked_by else "standing"

    def get_reason(self, hold: LegalHold) -> str:
        return self._told(hold, hold.reason)

    def get_placed_by(self, hold: LegalHold) -> str:
        return self._told(hold, hold.placed_by)

    def get_lift_asked_by(self, hold: LegalHold) -> str:
        return self._told(hold, hold.lift_asked_by)

    def get_lift_reason(self, hold: LegalHold) -> str:
        return self._told(hold, hold.lift_reason)

    def get_lifted_by(self, hold: LegalHold) -> str:
        return self._told(hold, hold.lifted_by)

    def _told(self, hold: LegalHold, text: str) -> str:
        return text if hold.name in self.context["administered"] else ""
