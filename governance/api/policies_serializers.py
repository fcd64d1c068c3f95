"""The shapes of policies on the wire: `…In` is parsed, `…Out` is rendered."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from governance.engine.policy_folder import Change
from governance.models import Policy, PolicyKind, PolicySimulation, PolicyState
from governance.services.policy_reading import next_moves
from governance.services.simulation import is_stale

Data = dict[str, Any]
MAX_FILES = 4_000


class DraftTextIn(serializers.Serializer[Data]):
    text = serializers.CharField(max_length=100_000, trim_whitespace=False)
    tests = serializers.ListField(
        child=serializers.DictField(),
        allow_null=True,
        default=None,
        max_length=200,
        help_text="Tests of an access policy; those of the other kinds stand in the document.",
    )


class PolicyIn(DraftTextIn):
    kind = serializers.ChoiceField(choices=PolicyKind.choices)
    slug = serializers.CharField(max_length=64, default="", allow_blank=True)


class WarningOut(serializers.Serializer[Data]):
    where = serializers.CharField()
    message = serializers.CharField()
    severity = serializers.CharField()
    policies = serializers.ListField(child=serializers.CharField())
    products = serializers.ListField(
        child=serializers.CharField(), help_text="At most 20, for whoever had it checked just now."
    )
    count = serializers.IntegerField()


class PolicyOut(serializers.ModelSerializer[Policy]):
    owner = serializers.CharField(source="owner.slug", default=None)
    labels = serializers.ListField(child=serializers.CharField())
    spec = serializers.DictField()
    tests = serializers.ListField(child=serializers.DictField())
    authors = serializers.ListField(child=serializers.CharField())
    warnings = WarningOut(many=True)
    next = serializers.SerializerMethodField()

    class Meta:
        model = Policy
        fields = [
            "id", "kind", "slug", "version", "owner", "prefix", "labels", "text", "spec", "tests",
            "digest", "state", "next", "base", "created_by", "created_at", "acts_for", "authors",
            "approved_by", "activated_at", "retired_at", "retirement_asked_by", "warnings",
        ]  # fmt: skip

    def get_next(self, policy: Policy) -> list[str]:
        return next_moves(policy)


class ApprovePolicyIn(serializers.Serializer[Data]):
    digest = serializers.CharField(
        max_length=71, default="", allow_blank=True, help_text="Of the text that you read."
    )
    comment = serializers.CharField(max_length=5000, default="", allow_blank=True)


class PolicyFilter(serializers.Serializer[Data]):
    kind = serializers.ChoiceField(choices=PolicyKind.choices, required=False)
    state = serializers.ChoiceField(choices=PolicyState.choices, required=False)
    slug = serializers.CharField(max_length=64, required=False)
    prefix = serializers.CharField(max_length=500, required=False)


class ChangeOut(serializers.Serializer[Data]):
    where = serializers.CharField()
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class DiffOut(serializers.Serializer[Data]):
    before = serializers.CharField()
    after = serializers.CharField()
    text = serializers.CharField(help_text="A unified diff.")
    changes = ChangeOut(many=True)


class PolicySetOut(serializers.Serializer[Data]):
    digest = serializers.CharField()
    current = serializers.BooleanField()
    policies = serializers.ListField(child=serializers.CharField())
    hidden = serializers.IntegerField(help_text="Policies that name what you may not know of.")
    since = serializers.DateTimeField(allow_null=True)


class SimulateIn(serializers.Serializer[Data]):
    no_new_access = serializers.BooleanField(
        default=False, help_text="Fail when anyone could do what they cannot do now."
    )
    days = serializers.IntegerField(
        default=90, min_value=0, max_value=365, help_text="Of past decisions to ask again."
    )
    names = serializers.IntegerField(
        default=50, min_value=0, max_value=500, help_text="How many of each list to name."
    )


class SimulationOut(serializers.ModelSerializer[PolicySimulation]):
    result = serializers.DictField()
    stale = serializers.SerializerMethodField(
        help_text="The text or the access policies in force have changed since."
    )

    class Meta:
        model = PolicySimulation
        fields = [
            "id", "policy", "digest", "policy_set", "no_new_access", "passed", "stale", "result",
            "created_by", "created_at",
        ]  # fmt: skip

    def get_stale(self, simulation: PolicySimulation) -> bool:
        return is_stale(simulation)


class FolderOut(serializers.Serializer[Data]):
    files = serializers.DictField(child=serializers.CharField(), help_text="Texts by path.")


class FolderIn(serializers.Serializer[Data]):
    files = serializers.DictField(
        child=serializers.CharField(max_length=100_000, trim_whitespace=False)
    )
    dry_run = serializers.BooleanField(default=False)
    prune = serializers.BooleanField(
        default=False, help_text="Retire the policies that the folder does not hold."
    )

    def validate_files(self, files: dict[str, str]) -> dict[str, str]:
        if len(files) > MAX_FILES:
            raise serializers.ValidationError(f"At most {MAX_FILES} files.")
        return files


class ImportedOut(serializers.Serializer[Data]):
    kind = serializers.CharField()
    slug = serializers.CharField()
    change = serializers.ChoiceField(choices=[str(change) for change in Change])
    outcome = serializers.CharField()


class ImportOut(serializers.Serializer[Data]):
    dry_run = serializers.BooleanField()
    plan = ImportedOut(many=True)
