"""The shapes of orders to erase on the wire."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from governance.models import Cascade, ErasureAsk, ErasureOrder, ErasureReceipt, Registered
from movement.orders import Sight

Data = dict[str, Any]


class ErasureIn(serializers.Serializer[Data]):
    """What is to be erased: a version, all versions of a product, or all below a domain."""

    name = serializers.CharField(max_length=500)
    reason = serializers.CharField(max_length=4000)
    basis = serializers.CharField(max_length=200)
    cascade = serializers.ChoiceField(choices=Cascade.choices, default=Cascade.NONE)
    registered = serializers.ChoiceField(choices=Registered.choices, default=Registered.KEEP)


class AgreeIn(serializers.Serializer[Data]):
    name = serializers.CharField(max_length=500)


class ApproveErasureIn(serializers.Serializer[Data]):
    """`plan` is the digest of the plan that was read; another one is not approved."""

    plan = serializers.CharField(max_length=71, required=False, default="")


class CancelErasureIn(serializers.Serializer[Data]):
    reason = serializers.CharField(max_length=4000)


class PlannedReplica(serializers.Serializer[Data]):
    store = serializers.CharField()
    site = serializers.CharField()
    origin = serializers.CharField()
    state = serializers.CharField()
    files = serializers.IntegerField()
    bytes = serializers.IntegerField()
    does = serializers.CharField()
    reason_code = serializers.CharField()


class PlannedTransfer(serializers.Serializer[Data]):
    id = serializers.UUIDField()
    target = serializers.CharField()
    state = serializers.CharField()


class PlannedRemains(serializers.Serializer[Data]):
    kind = serializers.CharField()
    store = serializers.CharField()
    about = serializers.CharField()


class Block(serializers.Serializer[Data]):
    version = serializers.CharField()
    kind = serializers.CharField()
    name = serializers.CharField(default="")
    reference = serializers.CharField(default="")
    until = serializers.CharField(default="")


class PlannedVersion(serializers.Serializer[Data]):
    version = serializers.CharField()
    version_id = serializers.UUIDField()
    digest = serializers.CharField()
    product = serializers.CharField()
    team = serializers.CharField()
    relation = serializers.CharField()
    distance = serializers.IntegerField()
    masked = serializers.BooleanField()
    lowered = serializers.ListField(child=serializers.CharField())
    does = serializers.CharField()
    reason_code = serializers.CharField()
    blocks = Block(many=True)
    files = serializers.IntegerField()
    bytes = serializers.IntegerField()
    replicas = PlannedReplica(many=True)
    transfers = PlannedTransfer(many=True)
    remains = PlannedRemains(many=True)
    index_rows = serializers.IntegerField()


class PlannedDraft(serializers.Serializer[Data]):
    version = serializers.CharField()
    does = serializers.CharField()
    reason_code = serializers.CharField()
    stores = serializers.ListField(child=serializers.CharField())


class UncertainProduct(serializers.Serializer[Data]):
    product = serializers.CharField()
    team = serializers.CharField()
    reason_code = serializers.CharField()


class Elsewhere(serializers.Serializer[Data]):
    namespace = serializers.CharField()
    name = serializers.CharField()


class Hidden(serializers.Serializer[Data]):
    versions = serializers.IntegerField()
    products = serializers.IntegerField()
    uncertain = serializers.IntegerField()
    elsewhere = serializers.IntegerField()


class ErasurePlan(serializers.Serializer[Data]):
    versions = PlannedVersion(many=True)
    drafts = PlannedDraft(many=True)
    uncertain = UncertainProduct(many=True)
    elsewhere = Elsewhere(many=True)
    blocks = Block(many=True)
    hidden = Hidden()
    truncated = serializers.BooleanField()
    totals = serializers.DictField(child=serializers.IntegerField())


class AskOut(serializers.ModelSerializer[ErasureAsk]):
    class Meta:
        model = ErasureAsk
        fields = ["name", "agreed_by", "agreed_at"]


class ReceiptOut(serializers.ModelSerializer[ErasureReceipt]):
    class Meta:
        model = ErasureReceipt
        fields = [
            "id", "kind", "name", "place", "state", "reason_code", "reason", "evidence", "attempt",
            "next_attempt_at", "settled_at",
        ]  # fmt: skip


class ErasureListOut(serializers.ModelSerializer[ErasureOrder]):
    """An order; what it is about is empty for who may not know of that."""

    name = serializers.SerializerMethodField()
    reason = serializers.SerializerMethodField()
    basis = serializers.SerializerMethodField()
    why = serializers.SerializerMethodField()
    plan_digest = serializers.CharField()

    class Meta:
        model = ErasureOrder
        fields = [
            "id", "name", "kind", "cascade", "registered", "reason", "basis", "state",
            "reason_code", "why", "plan_digest", "proposed_by", "proposed_at", "due_at",
            "approved_by", "approved_at", "ended_by", "started_at", "finished_at",
            "next_attempt_at",
        ]  # fmt: skip

    @property
    def sight(self) -> Sight:
        return self.context["sight"]  # type: ignore[no-any-return]

    def get_name(self, order: ErasureOrder) -> str:
        return order.name if self.sight.may_name(order.name) else ""

    def get_reason(self, order: ErasureOrder) -> str:
        return order.reason if self.sight.may_name(order.name) else ""

    def get_basis(self, order: ErasureOrder) -> str:
        return order.basis if self.sight.may_name(order.name) else ""

    def get_why(self, order: ErasureOrder) -> str:
        return order.why if self.sight.owns(order) else ""


class ErasureOut(ErasureListOut):
    plan = serializers.SerializerMethodField()
    asks = serializers.SerializerMethodField()
    receipts = serializers.SerializerMethodField()
    progress = serializers.SerializerMethodField()

    class Meta(ErasureListOut.Meta):
        fields = [*ErasureListOut.Meta.fields, "plan", "asks", "receipts", "progress"]

    @extend_schema_field(ErasurePlan)
    def get_plan(self, order: ErasureOrder) -> Data:
        return dict(ErasurePlan(self.sight.plan(order)).data)

    @extend_schema_field(AskOut(many=True))
    def get_asks(self, order: ErasureOrder) -> Any:
        return AskOut(self.sight.asks(order), many=True).data

    @extend_schema_field(ReceiptOut(many=True))
    def get_receipts(self, order: ErasureOrder) -> Any:
        return ReceiptOut(self.sight.receipts(order), many=True).data

    @extend_schema_field(serializers.DictField(child=serializers.IntegerField()))
    def get_progress(self, order: ErasureOrder) -> dict[str, int]:
        counts: dict[str, int] = {}
        for row in order.receipts.all() if self.sight.owns(order) else ():
            counts[row.state] = counts.get(row.state, 0) + 1
        return counts


class SignedReceiptOut(serializers.Serializer[Data]):
    envelope = serializers.DictField()
    delegations = serializers.ListField(child=serializers.DictField())
