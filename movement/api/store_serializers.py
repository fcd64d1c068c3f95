"""The shapes of stores on the wire: `…In` and `…Patch` are parsed, `…Out` is rendered."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from movement.models import StorageTier, Store, StoreKind
from movement.stores.protocol import CAPABILITIES

Data = dict[str, Any]


def price() -> serializers.DecimalField:
    return serializers.DecimalField(max_digits=10, decimal_places=6, min_value=0, required=False)


class StoreTerms(serializers.Serializer[Data]):
    """What an operator says of a store beside where it is. Null is no limit; prices are money."""

    tier = serializers.ChoiceField(choices=StorageTier.choices, required=False)
    capacity_bytes = serializers.IntegerField(
        min_value=0, max_value=2**63 - 1, required=False, allow_null=True
    )
    slots = serializers.IntegerField(min_value=1, max_value=10_000, required=False, allow_null=True)
    cost_gb_month = price()
    cost_1000_puts = price()
    cost_1000_gets = price()


class StoreIn(StoreTerms):
    """An S3 store needs endpoint, bucket and keys; a directory its folder's name as `root`.

    An HTTP store is read only and needs as endpoint the URL below which its objects are.
    """

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


class StorePatch(StoreTerms):
    """What is given is changed, once the store has answered at that endpoint with those keys.

    The two keys come together. A quarantine is lifted at `/trust`.
    """

    endpoint = serializers.CharField(max_length=500, required=False)
    access_key = serializers.CharField(max_length=200, required=False, write_only=True)
    secret_key = serializers.CharField(max_length=200, required=False, write_only=True)


class StoreOut(serializers.ModelSerializer[Store]):
    """A store; where it listens is shown to operators alone, its keys to nobody."""

    site = serializers.CharField(source="site.name")
    replicas = serializers.IntegerField(source="replicas_count", default=0)
    capabilities = serializers.SerializerMethodField()

    class Meta:
        model = Store
        fields = [
            "id", "name", "site", "kind", "endpoint", "bucket", "prefix", "region", "root",
            "reachable", "problem", "checked_at", "replicas", "capabilities", "tier",
            "capacity_bytes", "slots", "cost_gb_month", "cost_1000_puts", "cost_1000_gets",
            "quarantined_at", "quarantine_reason",
        ]  # fmt: skip

    def get_capabilities(self, store: Store) -> dict[str, bool]:
        """What the last probe found it able to do; nothing while it was never probed."""
        known = store.capabilities
        return {name: known[name] for name in CAPABILITIES if name in known}

    def to_representation(self, instance: Store) -> Any:
        shown = super().to_representation(instance)
        if not self.context["operator"]:
            shown.update(dict.fromkeys(("endpoint", "bucket", "prefix", "region", "root"), ""))
        return shown
