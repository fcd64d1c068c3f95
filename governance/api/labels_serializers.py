"""Labels and declassifications on the wire: `…In` is parsed, `…Out` is rendered."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from governance.models import Declassification, Label

Data = dict[str, Any]


class LabelIn(serializers.Serializer[Data]):
    name = serializers.CharField(max_length=500)
    label = serializers.CharField(max_length=100)  # type: ignore[assignment]  # a field, not its text
    column = serializers.CharField(max_length=300, default="", allow_blank=True)


class StepOut(serializers.Serializer[Data]):
    """One place of the path a label came by; `hidden` in the place of a name one may not know."""

    name = serializers.CharField(required=False)
    namespace = serializers.CharField(required=False)
    column = serializers.CharField(required=False)
    version = serializers.CharField(required=False)
    hidden = serializers.BooleanField(required=False)


class EvidenceOut(serializers.Serializer[Data]):
    """Why a label stands: a path, the counts of a scan, or the revision of a contract."""

    path = StepOut(many=True, required=False)
    origin = serializers.CharField(required=False)
    contract = serializers.IntegerField(required=False)
    scan = serializers.UUIDField(required=False)
    version = serializers.IntegerField(required=False)
    detector = serializers.CharField(required=False)
    detector_version = serializers.CharField(required=False)
    candidates = serializers.IntegerField(required=False)
    matches = serializers.IntegerField(required=False)
    sampled = serializers.IntegerField(required=False)
    rate = serializers.FloatField(required=False)
    low = serializers.FloatField(required=False)
    high = serializers.FloatField(required=False)
    reason = serializers.CharField(required=False)
    confirmed = serializers.BooleanField(required=False)


class LabelOut(serializers.ModelSerializer[Label]):
    """Of one label there may be several, of different origins: each says so by itself."""

    evidence = serializers.SerializerMethodField()

    class Meta:
        model = Label
        fields = [
            "id", "name", "column", "label", "origin", "evidence", "created_at", "created_by",
        ]  # fmt: skip

    @extend_schema_field(EvidenceOut)
    def get_evidence(self, label: Label) -> Data:
        return dict(self.context["evidence"][label.pk])


class DeclassificationIn(serializers.Serializer[Data]):
    name = serializers.CharField(max_length=500)
    label = serializers.CharField(max_length=100)  # type: ignore[assignment]  # a field, not its text
    column = serializers.CharField(max_length=300, default="", allow_blank=True)
    reason = serializers.CharField(max_length=10_000)


class DeclassificationOut(serializers.ModelSerializer[Declassification]):
    statement = serializers.DictField()

    class Meta:
        model = Declassification
        fields = [
            "id", "name", "column", "label", "reason", "statement", "created_at", "created_by",
            "revoked_at", "revoked_by",
        ]  # fmt: skip
