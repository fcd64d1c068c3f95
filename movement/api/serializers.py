"""The shapes of movement on the wire: `…In` is parsed, `…Out` is rendered."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from governance.engine.obligations import Obligations
from governance.services import obligations
from movement.models import (
    Replica,
    Transfer,
)

Data = dict[str, Any]


class UploadedOut(serializers.Serializer[Any]):
    path = serializers.CharField()
    bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    media_type = serializers.CharField()
    rows = serializers.IntegerField(allow_null=True)


class RegisterIn(serializers.Serializer[Data]):
    store = serializers.CharField(max_length=64)
    prefix = serializers.CharField(max_length=900)


class RegisteredOut(serializers.Serializer[Data]):
    files = serializers.IntegerField()
    bytes = serializers.IntegerField()


class PublishIn(serializers.Serializer[Data]):
    inputs = serializers.ListField(
        child=serializers.CharField(max_length=600), default=list, max_length=1000
    )


class NameIn(serializers.Serializer[Data]):
    name = serializers.CharField(max_length=600)


class ObligationsOut(serializers.Serializer[Any]):
    """What the reader is kept to. `masks` is by column or `[label]`."""

    masks = serializers.DictField(child=serializers.CharField())
    rows_filtered = serializers.BooleanField()
    purposes = serializers.ListField(child=serializers.CharField(), allow_null=True)
    watermarks = serializers.ListField(child=serializers.CharField())

    def to_representation(self, instance: Obligations) -> Any:
        return super().to_representation(obligations.as_json(instance))


class PreviewColumnOut(serializers.Serializer[Data]):
    name = serializers.CharField()
    type = serializers.CharField()


class PreviewOut(serializers.Serializer[Any]):
    """The rows are masked and filtered as `obligations` says."""

    columns = PreviewColumnOut(many=True)
    rows = serializers.ListField(child=serializers.DictField(), source="preview.rows")
    truncated = serializers.BooleanField(source="preview.truncated")
    file = serializers.CharField(allow_blank=True, source="path")
    obligations = ObligationsOut()


class ReplicaOut(serializers.ModelSerializer[Replica]):
    version = serializers.CharField(source="version.name")
    product = serializers.CharField(source="version.product.name")
    store = serializers.CharField(source="store.name")
    site = serializers.CharField(source="store.site.name")
    jurisdictions = serializers.ListField(
        child=serializers.CharField(), source="store.site.jurisdictions"
    )
    files = serializers.IntegerField(source="version.files")
    bytes = serializers.IntegerField(source="version.bytes")

    class Meta:
        model = Replica
        fields = [
            "id", "version", "product", "store", "site", "jurisdictions", "state", "origin",
            "files", "bytes", "reason_code", "reason", "since", "verified_at", "remove_after",
            "remove_reason",
        ]  # fmt: skip


class TransferIn(serializers.Serializer[Data]):
    version = serializers.CharField(max_length=600)
    target = serializers.CharField(max_length=64)


class TransferOut(serializers.ModelSerializer[Transfer]):
    version = serializers.CharField(source="version.name")
    product = serializers.CharField(source="version.product.name")
    source = serializers.SerializerMethodField()  # type: ignore[assignment]  # as above
    target = serializers.CharField(source="target.name")
    policies = serializers.ListField(child=serializers.CharField())
    seconds = serializers.SerializerMethodField()

    class Meta:
        model = Transfer
        fields = [
            "id", "version", "product", "source", "target", "state", "reason_code", "reason",
            "policies", "asked_by", "attempt", "next_attempt_at", "files_total", "files_done",
            "bytes_total", "bytes_done", "seconds", "created_at", "started_at", "finished_at",
        ]  # fmt: skip

    def get_source(self, transfer: Transfer) -> str | None:
        return transfer.source.name if transfer.source else None

    def get_seconds(self, transfer: Transfer) -> float | None:
        """Seconds that the last attempt took; nothing while it goes on."""
        if transfer.started_at is None or transfer.finished_at is None:
            return None
        return round((transfer.finished_at - transfer.started_at).total_seconds(), 3)
