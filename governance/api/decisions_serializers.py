"""The shapes of decisions on the wire."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from governance.engine.entities import Action

Data = dict[str, Any]
ACTIONS = [str(action) for action in Action]


class DecisionIn(serializers.Serializer[Data]):
    action = serializers.ChoiceField(choices=ACTIONS)
    name = serializers.CharField(max_length=1500)
    principal = serializers.CharField(
        max_length=150,
        default="",
        allow_blank=True,
        help_text="About whom, by user name; the caller when empty.",
    )
    purpose = serializers.CharField(max_length=64, default="", allow_blank=True)
    site = serializers.CharField(max_length=64, default="", allow_blank=True)
    jurisdictions = serializers.ListField(child=serializers.CharField(), default=list)
    explain = serializers.BooleanField(
        default=False, help_text="Tell of every policy about the action what fails first."
    )


class DecisionObligationsOut(serializers.Serializer[Any]):
    masks = serializers.SerializerMethodField(help_text="The mask of each column or [label].")
    filters_rows = serializers.SerializerMethodField()
    purposes = serializers.ListField(child=serializers.CharField(), allow_null=True)
    watermarks = serializers.ListField(child=serializers.CharField())

    def get_masks(self, obligations: Any) -> dict[str, str]:
        return {key: str(mask) for key, mask in sorted(obligations.masks.items())}

    def get_filters_rows(self, obligations: Any) -> bool:
        return obligations.rows is not True


class FindingOut(serializers.Serializer[Any]):
    policy = serializers.CharField()
    reason = serializers.CharField()
    effect = serializers.ChoiceField(choices=["permit", "forbid"])
    met = serializers.BooleanField()
    fails = serializers.CharField(help_text="The part that fails first, in Cedar's words.")


class DecisionOut(serializers.Serializer[Any]):
    allow = serializers.BooleanField()
    policies = serializers.ListField(child=serializers.CharField())
    reason = serializers.CharField()
    policy_set = serializers.CharField()
    obligations = DecisionObligationsOut()
    findings = serializers.SerializerMethodField()

    @extend_schema_field(FindingOut(many=True, allow_null=True))
    def get_findings(self, answer: Any) -> Any:
        found = self.context.get("findings")
        return None if found is None else FindingOut(found, many=True).data


class WhoOut(serializers.Serializer[Any]):
    username = serializers.CharField()
    kind = serializers.CharField()
    policies = serializers.ListField(child=serializers.CharField())
    reason = serializers.CharField()
