"""The shapes of movement on the wire: `…In` is parsed, `…Out` is rendered."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from governance.engine.obligations import Obligations
from governance.services import obligations
from movement.engine.placement import Step
from movement.models import (
    Replica,
    Site,
    SiteKind,
    SiteState,
    Store,
    StoreKind,
    Transfer,
)

Data = dict[str, Any]


class SiteIn(serializers.Serializer[Data]):
    name = serializers.CharField(max_length=64)
    title = serializers.CharField(max_length=200)
    kind = serializers.ChoiceField(choices=SiteKind.choices)
    jurisdictions = serializers.ListField(
        child=serializers.CharField(max_length=8), max_length=20, allow_empty=False
    )


class SitePatch(serializers.Serializer[Data]):
    state = serializers.ChoiceField(choices=SiteState.choices)


class SiteOut(serializers.ModelSerializer[Site]):
    jurisdictions = serializers.ListField(child=serializers.CharField())
    stores = serializers.IntegerField(source="stores_count", default=0)

    class Meta:
        model = Site
        fields = ["id", "name", "title", "kind", "jurisdictions", "state", "stores"]


class StoreIn(serializers.Serializer[Data]):
    """An S3 store needs endpoint, bucket and keys; a directory its folder's name as `root`."""

    name = serializers.CharField(max_length=64)
    site = serializers.CharField(max_length=64)
    kind = serializers.ChoiceField(choices=StoreKind.choices)
    endpoint = serializers.CharField(max_length=500, required=False)
    bucket = serializers.CharField(max_length=100, required=False)
    prefix = serializers.CharField(max_length=300, required=False, allow_blank=True)
    region = serializers.CharField(max_length=64, required=False, allow_blank=True)
    access_key = serializers.CharField(max_length=200, required=False, write_only=True)
    secret_key = serializers.CharField(max_length=200, required=False, write_only=True)
    root = serializers.CharField(max_length=200, required=False)  # type: ignore[assignment]  # a field, not the attribute


class StoreOut(serializers.ModelSerializer[Store]):
    """A store; where it listens is shown to operators alone, its keys to nobody."""

    site = serializers.CharField(source="site.name")
    replicas = serializers.IntegerField(source="replicas_count", default=0)

    class Meta:
        model = Store
        fields = [
            "id", "name", "site", "kind", "endpoint", "bucket", "prefix", "region", "root",
            "reachable", "problem", "checked_at", "replicas",
        ]  # fmt: skip

    def to_representation(self, instance: Store) -> Any:
        shown = super().to_representation(instance)
        if not self.context["operator"]:
            shown.update(dict.fromkeys(("endpoint", "bucket", "prefix", "region", "root"), ""))
        return shown


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
            "files", "bytes", "reason_code", "reason", "since", "verified_at",
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


class PlanIn(serializers.Serializer[Data]):
    name = serializers.CharField(max_length=600)


class PlanItemOut(serializers.Serializer[Data]):
    version = serializers.CharField()
    action = serializers.ChoiceField(choices=[(str(step), str(step)) for step in Step])
    source = serializers.CharField(allow_null=True)  # type: ignore[assignment]  # as above
    target = serializers.CharField()
    bytes = serializers.IntegerField()
    policies = serializers.ListField(child=serializers.CharField())
    reason = serializers.CharField()


class UnmetOut(serializers.Serializer[Data]):
    version = serializers.CharField()
    reason = serializers.CharField()


class PlanOut(serializers.Serializer[Data]):
    items = PlanItemOut(many=True)
    unmet = UnmetOut(many=True)
    bytes = serializers.IntegerField()
