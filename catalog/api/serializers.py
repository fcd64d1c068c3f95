"""The shapes of the catalog on the wire: `…In` is parsed, `…Out` is rendered."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.models import ACCESSES, VISIBILITIES, Domain, Lifecycle, Port, Product, Version
from governance.models import Label

Data = dict[str, Any]


class DomainIn(serializers.Serializer[Data]):
    name = serializers.CharField(max_length=500)
    title = serializers.CharField(max_length=200)
    team = serializers.CharField(max_length=64)
    description = serializers.CharField(max_length=20_000, default="", allow_blank=True)


class DomainOut(serializers.ModelSerializer[Domain]):
    team = serializers.CharField(source="team.slug")
    products = serializers.IntegerField(source="products_count", default=0)

    class Meta:
        model = Domain
        fields = ["id", "name", "title", "description", "team", "products", "created_at"]


class ProductFields(serializers.Serializer[Data]):
    title = serializers.CharField(max_length=300, required=False)
    description = serializers.CharField(max_length=100_000, required=False, allow_blank=True)
    keywords = serializers.ListField(
        child=serializers.CharField(max_length=100), required=False, max_length=100
    )
    license = serializers.CharField(max_length=100, required=False, allow_blank=True)
    intended_use = serializers.CharField(max_length=20_000, required=False, allow_blank=True)
    visibility = serializers.ChoiceField(choices=VISIBILITIES, required=False)
    access = serializers.ChoiceField(choices=ACCESSES, required=False)


class ProductIn(ProductFields):
    name = serializers.CharField(max_length=500)
    title = serializers.CharField(max_length=300)


class ProductPatch(ProductFields):
    lifecycle = serializers.ChoiceField(choices=Lifecycle.choices, required=False)


class MoveIn(serializers.Serializer[Data]):
    name = serializers.CharField(max_length=500)


class ColumnOut(serializers.Serializer[Data]):
    name = serializers.CharField()
    type = serializers.CharField()
    nullable = serializers.BooleanField()


class InputOut(serializers.Serializer[Data]):
    name = serializers.CharField(allow_null=True, help_text="Null when you may not know of it.")
    digest = serializers.CharField()


class TombstoneOut(serializers.Serializer[Data]):
    reason = serializers.CharField()
    at = serializers.DateTimeField()


class VersionOut(serializers.ModelSerializer[Version]):
    """A version. The context's `known_inputs` are the inputs' names that the reader may know of."""

    product = serializers.CharField(source="product.name")
    name = serializers.CharField()
    manifest = serializers.CharField(source="root")
    schema = ColumnOut(many=True)
    labels = serializers.ListField(child=serializers.CharField())
    inputs = serializers.SerializerMethodField()
    aliases: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(
        "alias", many=True, read_only=True
    )
    tombstone = serializers.SerializerMethodField()

    class Meta:
        model = Version
        fields = [
            "id", "name", "number", "product", "state", "semver", "files", "bytes", "rows",
            "manifest", "digest", "schema", "labels", "inputs", "aliases", "created_by",
            "created_at", "published_at", "tombstone",
        ]  # fmt: skip

    @extend_schema_field(InputOut(many=True))
    def get_inputs(self, version: Version) -> list[Data]:
        known = self.context.get("known_inputs", ())
        return [
            {"name": each["name"] if each["name"] in known else None, "digest": each["digest"]}
            for each in version.inputs
        ]

    @extend_schema_field(TombstoneOut(allow_null=True))
    def get_tombstone(self, version: Version) -> Data | None:
        if version.tombstoned_at is None:
            return None
        return {"reason": version.tombstone_reason, "at": version.tombstoned_at}


class PortOut(serializers.ModelSerializer[Port]):
    class Meta:
        model = Port
        fields = ["direction", "name", "protocol", "format", "description"]


class ProductLabelOut(serializers.ModelSerializer[Label]):
    class Meta:
        model = Label
        fields = ["label", "column", "origin"]


class DomainBriefOut(serializers.ModelSerializer[Domain]):
    class Meta:
        model = Domain
        fields = ["name", "title"]


class ProductListOut(serializers.ModelSerializer[Product]):
    """A product in a list; query it with selectors.with_parts."""

    domain = DomainBriefOut()
    team = serializers.CharField(source="domain.team.slug")
    keywords = serializers.ListField(child=serializers.CharField())
    aliases: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(
        "name", many=True, read_only=True
    )
    ports = PortOut(many=True)
    labels = serializers.SerializerMethodField()
    latest = serializers.SerializerMethodField()
    versions_count = serializers.IntegerField()

    class Meta:
        model = Product
        fields = [
            "id", "name", "ark", "title", "description", "keywords", "license", "visibility",
            "access", "lifecycle", "intended_use", "domain", "team", "labels", "aliases", "ports",
            "latest", "versions_count", "created_at", "updated_at",
        ]  # fmt: skip

    @extend_schema_field(ProductLabelOut(many=True))
    def get_labels(self, product: Product) -> list[Data]:
        rows = self.context["labels"].get(product.name, [])
        return list(ProductLabelOut(rows, many=True).data)

    @extend_schema_field(VersionOut(allow_null=True))
    def get_latest(self, product: Product) -> Data | None:
        pointers = getattr(product, "latest_aliases", [])
        if not pointers:
            return None
        return dict(VersionOut(pointers[0].version, context=self.context).data)


class VerdictOut(serializers.Serializer[Any]):
    allow = serializers.BooleanField()
    policies = serializers.ListField(child=serializers.CharField())
    reason = serializers.CharField()


class VerdictsOut(serializers.Serializer[Any]):
    read = VerdictOut()
    write = VerdictOut()
    publish = VerdictOut()
    transform = VerdictOut()
    administer = VerdictOut()


class ProductOut(ProductListOut):
    """One product, with what the caller may do and which policies say so."""

    can = serializers.SerializerMethodField()

    class Meta(ProductListOut.Meta):
        fields = [*ProductListOut.Meta.fields, "can"]

    @extend_schema_field(VerdictsOut)
    def get_can(self, product: Product) -> Data:
        return dict(VerdictsOut(self.context["can"]).data)


class VersionIn(serializers.Serializer[Data]):
    product = serializers.CharField(max_length=500)


class ReasonIn(serializers.Serializer[Data]):
    reason = serializers.CharField(max_length=5000)


class FileOut(serializers.Serializer[Any]):
    path = serializers.CharField()
    bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    media_type = serializers.CharField()
    rows = serializers.IntegerField(allow_null=True)


class FilesOut(serializers.Serializer[Data]):
    next_cursor = serializers.CharField(allow_null=True)
    results = FileOut(many=True)


class ShardOut(serializers.Serializer[Data]):
    digest = serializers.CharField()
    files = serializers.IntegerField()
    url = serializers.CharField()


class SealOut(serializers.Serializer[Data]):
    envelope = serializers.JSONField()
    delegations = serializers.ListField(child=serializers.JSONField())
    shards = ShardOut(many=True)
