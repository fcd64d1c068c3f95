"""The shapes of principals on the wire: `…In` is parsed, `…Out` is rendered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.utils import timezone
from rest_framework import serializers

from governance.engine.entities import Action
from governance.models import ApiToken, PrincipalKind, Team, TeamRole

Data = dict[str, Any]
SOON = timedelta(days=7)


class SessionIn(serializers.Serializer[Data]):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=500, trim_whitespace=False, write_only=True)
    code = serializers.CharField(
        max_length=64,
        default="",
        allow_blank=True,
        write_only=True,
        help_text="Of the authenticator app, or a recovery code; asked for by `mfa_required`.",
    )


class TeamOfMeOut(serializers.Serializer[Data]):
    slug = serializers.CharField()
    title = serializers.CharField()
    role = serializers.ChoiceField(choices=TeamRole.choices)


class PersonOut(serializers.Serializer[Any]):
    username = serializers.CharField()
    kind = serializers.CharField()


class MeOut(serializers.Serializer[Data]):
    authenticated = serializers.BooleanField()
    username = serializers.CharField()
    kind = serializers.CharField()
    is_operator = serializers.BooleanField()
    teams = TeamOfMeOut(many=True)
    groups = serializers.ListField(child=serializers.CharField())
    on_behalf_of = PersonOut(allow_null=True, help_text="For whom an agent acts.")


class UserIn(serializers.Serializer[Data]):
    username = serializers.CharField(max_length=64)
    password = serializers.CharField(
        max_length=500,
        default="",
        allow_blank=True,
        trim_whitespace=False,
        write_only=True,
        help_text="Of a person; a machine has none.",
    )
    kind = serializers.ChoiceField(choices=PrincipalKind.choices, default="person")
    team = serializers.CharField(
        max_length=64, default="", allow_blank=True, help_text="The team that answers for it."
    )
    site = serializers.CharField(max_length=64, default="", allow_blank=True)


class UserChangeIn(serializers.Serializer[Data]):
    active = serializers.BooleanField()


class UserOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    username = serializers.CharField()
    kind = serializers.CharField()
    team = serializers.CharField(source="team.slug", default=None, allow_null=True)
    site = serializers.CharField()
    active = serializers.BooleanField(
        source="told_active", allow_null=True, default=None, help_text="For who may manage it."
    )
    last_login = serializers.DateTimeField(
        source="told_last_login", allow_null=True, default=None, help_text="For operators."
    )


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


class GroupIn(serializers.Serializer[Data]):
    name = serializers.CharField(max_length=64)


class GroupOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    members = serializers.SerializerMethodField()

    def get_members(self, group: Group) -> list[str]:
        return sorted(user.username for user in group.user_set.all())


class ScopeField(serializers.Serializer[Data]):
    actions = serializers.ListField(
        child=serializers.ChoiceField(choices=[str(action) for action in Action])
    )
    prefix = serializers.CharField(max_length=500)


class TokenIn(serializers.Serializer[Data]):
    title = serializers.CharField(max_length=200)
    days = serializers.FloatField(default=30)
    scopes = ScopeField(many=True, allow_null=True, default=None)
    username = serializers.CharField(
        max_length=64, default="", allow_blank=True, help_text="A machine of your team."
    )
    agent = serializers.CharField(
        max_length=64, default="", allow_blank=True, help_text="An agent, to act on your behalf."
    )


class TokenOut(serializers.ModelSerializer[ApiToken]):
    username = serializers.CharField(source="user.username")
    on_behalf_of = serializers.CharField(
        source="on_behalf_of.username", default=None, allow_null=True
    )
    scopes = ScopeField(many=True, allow_null=True)
    expires_soon = serializers.SerializerMethodField(help_text="Within seven days, if it is live.")

    def get_expires_soon(self, token: ApiToken) -> bool:
        left = token.expires_at - timezone.now()
        return token.revoked_at is None and timedelta() < left <= SOON

    class Meta:
        model = ApiToken
        fields = [
            "id", "title", "username", "on_behalf_of", "client", "scopes", "created_at",
            "expires_at", "expires_soon", "last_used_at", "last_used_from", "revoked_at",
        ]  # fmt: skip


class NewTokenOut(TokenOut):
    token = serializers.CharField(help_text="Shown this once; only its digest is kept.")

    class Meta(TokenOut.Meta):
        fields = [*TokenOut.Meta.fields, "token"]


class ClientIn(serializers.Serializer[Data]):
    username = serializers.CharField(max_length=64, help_text="The machine that it stands for.")
    title = serializers.CharField(max_length=100)
    scopes = ScopeField(many=True, allow_null=True, default=None)


class ClientOut(serializers.Serializer[Any]):
    client_id = serializers.CharField(source="id")
    username = serializers.CharField(source="owner.username")
    title = serializers.CharField(source="name")
    scopes = ScopeField(source="data.scopes", many=True, allow_null=True)
    created_at = serializers.DateTimeField()


class NewClientOut(ClientOut):
    client_secret = serializers.CharField(help_text="Shown this once; only its hash is kept.")
