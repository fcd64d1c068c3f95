"""Scans on the wire: `…In` is parsed, `…Out` is rendered. No value of any row is among it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from governance.models import Scan, ScanVerdict

Data = dict[str, Any]


class ScanIn(serializers.Serializer[Data]):
    name = serializers.CharField(max_length=500)


class ScanVerdictIn(serializers.Serializer[Data]):
    column = serializers.CharField(max_length=300, default="", allow_blank=True)
    label = serializers.CharField(max_length=100)  # type: ignore[assignment]  # a field, not its text
    verdict = serializers.ChoiceField(["confirm", "reject"])
    comment = serializers.CharField(max_length=10_000, default="", allow_blank=True)


class ScanVerdictOut(serializers.ModelSerializer[ScanVerdict]):
    class Meta:
        model = ScanVerdict
        fields = [
            "id", "column", "detector", "label", "verdict", "rate", "comment", "created_by",
            "created_at",
        ]  # fmt: skip


class ScanFindingOut(serializers.Serializer[Data]):
    detector = serializers.CharField()
    version = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field, not its text
    candidates = serializers.IntegerField()
    matches = serializers.IntegerField()
    rate = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()
    labelled = serializers.BooleanField()
    reason = serializers.CharField()


class ScannedColumnOut(serializers.Serializer[Data]):
    """A column; without a name what is text without columns."""

    column = serializers.CharField()
    rows = serializers.IntegerField()
    values = serializers.IntegerField()
    findings = ScanFindingOut(many=True)


class LeftOutOut(serializers.Serializer[Data]):
    path = serializers.CharField()
    reason = serializers.CharField()
    code = serializers.CharField(required=False)


class ScannedFilesOut(serializers.Serializer[Data]):
    read = serializers.IntegerField()
    total = serializers.IntegerField()
    skipped = LeftOutOut(many=True)
    skipped_count = serializers.IntegerField()
    failed = LeftOutOut(many=True)
    failed_count = serializers.IntegerField()
    stopped_by_budget = serializers.BooleanField()


class FreeTextOut(serializers.Serializer[Data]):
    state = serializers.CharField()
    hint = serializers.CharField(required=False)
    model = serializers.CharField(required=False)
    findings = serializers.ListField(child=serializers.DictField(), required=False)


class ScanResultOut(serializers.Serializer[Data]):
    complete = serializers.BooleanField()
    columns = ScannedColumnOut(many=True)
    files = ScannedFilesOut()
    free_text = FreeTextOut()
    detectors = serializers.DictField(child=serializers.CharField())


class ScanListOut(serializers.ModelSerializer[Scan]):
    labels_found = serializers.SerializerMethodField()

    class Meta:
        model = Scan
        fields = [
            "id", "name", "version", "state", "reason_code", "reason", "asked_by", "files_total",
            "files_done", "rows_done", "bytes_done", "attempt", "created_at", "started_at",
            "finished_at", "ended_at", "labels_found",
        ]  # fmt: skip

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_labels_found(self, scan: Scan) -> list[str]:
        columns = (scan.result or {}).get("columns", ())
        found = {f["label"] for each in columns for f in each["findings"] if f["labelled"]}
        return sorted(found)


class ScanOut(ScanListOut):
    result = serializers.SerializerMethodField()
    verdicts = ScanVerdictOut(many=True)

    class Meta(ScanListOut.Meta):
        fields = [*ScanListOut.Meta.fields, "result", "verdicts"]

    @extend_schema_field(ScanResultOut(allow_null=True))
    def get_result(self, scan: Scan) -> Data | None:
        return scan.result
