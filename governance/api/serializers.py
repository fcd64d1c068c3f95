"""The shapes of governance on the wire: `…In` is parsed, `…Out` is rendered."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from governance.engine.entities import Action
from governance.models import (
    AccessRequest,
    ApiToken,
    AuditEntry,
    Grant,
    Label,
    Policy,
    PolicyKind,
    PrincipalKind,
    Team,
    TeamRole,
)
from governance.selectors import PURPOSES

Data = dict[str, Any]


class SessionIn(serializers.Serializer[Data]):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=500, trim_whitespace=False, write_only=True)


class TeamOfMeOut(serializers.Serializer[Data]):
    slug = serializers.CharField()
    title = serializers.CharField()
    role = serializers.ChoiceField(choices=TeamRole.choices)


class MeOut(serializers.Serializer[Data]):
    authenticated = serializers.BooleanField()
    username = serializers.CharField()
    kind = serializers.CharField()
    is_operator = serializers.BooleanField()
    teams = TeamOfMeOut(many=True)


class UserIn(serializers.Serializer[Data]):
    username = serializers.CharField(max_length=64)
    password = serializers.CharField(max_length=500, trim_whitespace=False, write_only=True)
    kind = serializers.ChoiceField(choices=PrincipalKind.choices, default="person")


class UserOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    username = serializers.CharField()
    kind = serializers.CharField()


class MemberIn(serializers.Serializer[Data]):
    username = serializers.CharField(max_length=64)
    role = serializers.ChoiceField(choices=TeamRole.choices)


class TeamIn(serializers.Serializer[Data]):
    slug = serializers.CharField(max_length=64)
    title = serializers.CharField(max_length=200)
    members = MemberIn(many=True, default=list)


class MembershipOut(serializers.Serializer[Any]):
    username = serializers.CharField(source="user.username")
    role = serializers.CharField()


class TeamOut(serializers.ModelSerializer[Team]):
    members = MembershipOut(source="memberships", many=True)

    class Meta:
        model = Team
        fields = ["id", "slug", "title", "members"]


class ScopeField(serializers.Serializer[Data]):
    actions = serializers.ListField(
        child=serializers.ChoiceField(choices=[str(action) for action in Action])
    )
    prefix = serializers.CharField(max_length=500)


class TokenIn(serializers.Serializer[Data]):
    title = serializers.CharField(max_length=200)
    days = serializers.FloatField(default=30)
    scopes = ScopeField(many=True, allow_null=True, default=None)


class TokenOut(serializers.ModelSerializer[ApiToken]):
    scopes = ScopeField(many=True, allow_null=True)

    class Meta:
        model = ApiToken
        fields = ["id", "title", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at"]


class NewTokenOut(TokenOut):
    token = serializers.CharField(help_text="Shown this once; only its digest is kept.")

    class Meta(TokenOut.Meta):
        fields = [*TokenOut.Meta.fields, "token"]


class PolicyIn(serializers.Serializer[Data]):
    kind = serializers.ChoiceField(choices=PolicyKind.choices)
    slug = serializers.CharField(max_length=64, default="")
    text = serializers.CharField(max_length=100_000, trim_whitespace=False)


class PolicyOut(serializers.ModelSerializer[Policy]):
    owner = serializers.CharField(source="owner.slug", default=None)
    labels = serializers.ListField(child=serializers.CharField())
    spec = serializers.DictField()

    class Meta:
        model = Policy
        fields = [
            "id", "kind", "slug", "version", "owner", "prefix", "labels", "text", "spec", "digest",
            "state", "created_by", "created_at",
        ]  # fmt: skip


class DecisionIn(serializers.Serializer[Data]):
    action = serializers.ChoiceField(choices=[str(action) for action in Action])
    name = serializers.CharField(max_length=1500)
    purpose = serializers.CharField(max_length=64, default="", allow_blank=True)
    jurisdictions = serializers.ListField(child=serializers.CharField(), default=list)


class DecisionOut(serializers.Serializer[Any]):
    allow = serializers.BooleanField()
    policies = serializers.ListField(child=serializers.CharField())
    reason = serializers.CharField()
    policy_set = serializers.CharField()


class RequestIn(serializers.Serializer[Data]):
    name = serializers.CharField(max_length=500)
    purpose = serializers.ChoiceField(choices=PURPOSES)
    reason = serializers.CharField(max_length=5000, default="", allow_blank=True)
    days = serializers.IntegerField(default=90)


class CommentIn(serializers.Serializer[Data]):
    comment = serializers.CharField(max_length=5000, default="", allow_blank=True)


class RequestOut(serializers.ModelSerializer[AccessRequest]):
    username = serializers.CharField(source="user.username")
    decided_by = serializers.CharField(source="decided_by.username", default=None)

    class Meta:
        model = AccessRequest
        fields = [
            "id", "username", "name", "purpose", "reason", "days", "state", "created_at",
            "decided_at", "decided_by", "comment",
        ]  # fmt: skip


class GrantOut(serializers.ModelSerializer[Grant]):
    username = serializers.CharField(source="user.username")
    granted_by = serializers.CharField(source="granted_by.username")

    class Meta:
        model = Grant
        fields = [
            "id", "username", "name", "purpose", "granted_by", "created_at", "expires_at",
            "revoked_at",
        ]  # fmt: skip


class LabelIn(serializers.Serializer[Data]):
    name = serializers.CharField(max_length=500)
    label = serializers.CharField(max_length=100)  # type: ignore[assignment]  # a field, not its text
    column = serializers.CharField(max_length=300, default="", allow_blank=True)


class LabelOut(serializers.ModelSerializer[Label]):
    class Meta:
        model = Label
        fields = ["id", "name", "column", "label", "origin", "created_at", "created_by"]


class AuditOut(serializers.ModelSerializer[AuditEntry]):
    policies = serializers.ListField(child=serializers.CharField())
    detail = serializers.DictField()

    class Meta:
        model = AuditEntry
        fields = [
            "id", "at", "principal", "action", "name", "allowed", "policies", "policy_set",
            "detail", "leaf",
        ]  # fmt: skip
