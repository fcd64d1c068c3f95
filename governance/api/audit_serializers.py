"""The shapes of the audit log on the wire."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from governance.models import AuditCheckpoint

Data = dict[str, Any]


class AuditFiltersIn(serializers.Serializer[Data]):
    name = serializers.CharField(max_length=1500, default="", allow_blank=True)
    principal = serializers.CharField(max_length=150, default="", allow_blank=True)
    action = serializers.CharField(max_length=64, default="", allow_blank=True)
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)


class AuditOut(serializers.Serializer[Data]):
    id = serializers.IntegerField()
    position = serializers.IntegerField(allow_null=True, help_text="Its place in the log.")
    at = serializers.DateTimeField()
    principal = serializers.CharField(help_text="Who acted; `erased` when they were forgotten.")
    on_behalf_of = serializers.CharField(help_text="For whom an agent acted; empty otherwise.")
    action = serializers.CharField()
    name = serializers.CharField()
    allowed = serializers.BooleanField()
    policies = serializers.ListField(child=serializers.CharField())
    policy_set = serializers.CharField()
    detail = serializers.DictField()
    leaf = serializers.CharField()


class CheckpointOut(serializers.ModelSerializer[AuditCheckpoint]):
    origin = serializers.SerializerMethodField()

    class Meta:
        model = AuditCheckpoint
        fields = ["origin", "size", "root", "key_id", "at", "note"]

    def get_origin(self, row: AuditCheckpoint) -> str:
        return row.note.partition("\n")[0]


class ProofIn(serializers.Serializer[Data]):
    entry = serializers.IntegerField(min_value=0, max_value=2**63 - 1)
    size = serializers.IntegerField(min_value=1, max_value=2**63 - 1, required=False)


class ClearTextOut(serializers.Serializer[Data]):
    commitment = serializers.CharField()
    salt = serializers.CharField()
    value = serializers.CharField()


class InclusionOut(serializers.Serializer[Data]):
    entry = serializers.CharField(help_text="The entry as it is hashed: canonical JSON.")
    position = serializers.IntegerField()
    size = serializers.IntegerField()
    root = serializers.CharField()  # type: ignore[assignment]  # a field, not the parent
    proof = serializers.ListField(child=serializers.CharField())
    clear = ClearTextOut(many=True)
    checkpoint = CheckpointOut()


class ConsistencyIn(serializers.Serializer[Data]):
    # `from` cannot be the name of an attribute
    to = serializers.IntegerField(min_value=0, max_value=2**63 - 1, required=False)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        start = serializers.IntegerField(min_value=0, max_value=2**63 - 1)
        return {"from": start, **super().get_fields()}


class ConsistencyOut(serializers.Serializer[Data]):
    old_size = serializers.IntegerField()
    new_size = serializers.IntegerField()
    old_root = serializers.CharField()
    new_root = serializers.CharField()
    proof = serializers.ListField(child=serializers.CharField())
    checkpoint = CheckpointOut()
