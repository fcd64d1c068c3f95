"""The shapes of access requests, grants and campaigns on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from governance import grants
from governance.engine.obligations import PURPOSES as STATED_PURPOSES
from governance.models import (
    AccessRequest,
    Campaign,
    CampaignItem,
    Grant,
    GrantReview,
    ItemVerdict,
    RequestComment,
    ReviewVerdict,
)
from governance.selectors import PURPOSES

Data = dict[str, Any]


class RequestIn(serializers.Serializer[Data]):
    name = serializers.CharField(max_length=500)
    purpose = serializers.ChoiceField(choices=PURPOSES)
    reason = serializers.CharField(max_length=5000, default="", allow_blank=True)
    days = serializers.IntegerField(default=90)
    team = serializers.CharField(
        max_length=64, default="", allow_blank=True, help_text="Ask for all members of this team."
    )
    port = serializers.CharField(
        max_length=64,
        default="",
        allow_blank=True,
        help_text="An output port; the product as a whole when left out.",
    )


class RenewIn(serializers.Serializer[Data]):
    days = serializers.IntegerField(default=90)
    reason = serializers.CharField(max_length=5000, default="", allow_blank=True)


class CommentIn(serializers.Serializer[Data]):
    comment = serializers.CharField(max_length=5000, default="", allow_blank=True)


class ApproveIn(CommentIn):
    days = serializers.IntegerField(
        default=None, allow_null=True, help_text="Fewer days than were asked for."
    )


class RemarkIn(serializers.Serializer[Data]):
    text = serializers.CharField(max_length=5000)


class RemarkOut(serializers.ModelSerializer[RequestComment]):
    author = serializers.CharField(
        source="author.username",
        default=None,
        allow_null=True,
        help_text="Null when the platform tells what happened.",
    )

    class Meta:
        model = RequestComment
        fields = ["id", "author", "text", "created_at"]


class RequestOut(serializers.ModelSerializer[AccessRequest]):
    username = serializers.CharField(source="user.username")
    team = serializers.CharField(source="team.slug", default=None, allow_null=True)
    decided_by = serializers.CharField(source="decided_by.username", default=None)
    escalated_to = serializers.ListField(child=serializers.CharField())
    policies = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = AccessRequest
        fields = [
            "id", "subscription", "username", "team", "name", "port", "purpose", "reason", "days",
            "renews", "state", "created_at", "due_at", "escalated_at", "escalated_to", "decided_at",
            "decided_by", "policies", "comment",
        ]  # fmt: skip


class ReviewIn(serializers.Serializer[Data]):
    verdict = serializers.ChoiceField(choices=ReviewVerdict.choices)
    comment = serializers.CharField(max_length=5000)


class ReviewOut(serializers.ModelSerializer[GrantReview]):
    reviewer = serializers.CharField(source="reviewer.username")

    class Meta:
        model = GrantReview
        fields = ["reviewer", "verdict", "comment", "created_at"]


class GrantOut(serializers.ModelSerializer[Grant]):
    """A grant to a user (`username`) or to a team; the other one is empty."""

    username = serializers.CharField(source="user.username", default="")
    team = serializers.CharField(source="team.slug", default=None, allow_null=True)
    granted_by = serializers.SerializerMethodField()
    review = serializers.SerializerMethodField()

    class Meta:
        model = Grant
        fields = [
            "id", "kind", "username", "team", "name", "port", "purpose", "reason", "granted_by",
            "request", "created_at", "expires_at", "revoked_at", "revoked_by", "review_due_at",
            "review",
        ]  # fmt: skip

    def get_granted_by(self, grant: Grant) -> str:
        """Return the person who approved, or the policies that did."""
        if grant.granted_by is not None:
            return grant.granted_by.username
        return "" if grant.request is None else ", ".join(grant.request.policies)

    @extend_schema_field(ReviewOut(allow_null=True))
    def get_review(self, grant: Grant) -> Data | None:
        found = getattr(grant, "review", None)
        return None if found is None else dict(ReviewOut(found).data)


class BreakGlassIn(serializers.Serializer[Data]):
    name = serializers.CharField(max_length=500)
    purpose = serializers.ChoiceField(choices=STATED_PURPOSES)
    reason = serializers.CharField(max_length=5000)
    hours = serializers.IntegerField(default=1)
    password = serializers.CharField(
        max_length=500, trim_whitespace=False, write_only=True, default="", allow_blank=True
    )
    code = serializers.CharField(
        max_length=64,
        write_only=True,
        default="",
        allow_blank=True,
        help_text="Of the second factor, when there is one.",
    )


class CampaignIn(serializers.Serializer[Data]):
    prefix = serializers.CharField(max_length=500)
    title = serializers.CharField(max_length=200)
    due_at = serializers.DateTimeField()
    revoke_undecided = serializers.BooleanField(default=False)


class CampaignOut(serializers.ModelSerializer[Campaign]):
    """A campaign; query it with governance.campaigns.visible_campaigns."""

    opened_by = serializers.CharField(source="opened_by.username")
    items_total = serializers.IntegerField()
    items_kept = serializers.IntegerField()
    items_revoked = serializers.IntegerField()
    items_undecided = serializers.IntegerField()

    class Meta:
        model = Campaign
        fields = [
            "id", "title", "prefix", "due_at", "revoke_undecided", "opened_by", "created_at",
            "closed_at", "items_total", "items_kept", "items_revoked", "items_undecided",
        ]  # fmt: skip


class ItemIn(serializers.Serializer[Data]):
    verdict = serializers.ChoiceField(choices=ItemVerdict.choices)
    comment = serializers.CharField(max_length=5000, default="", allow_blank=True)


class ItemsIn(ItemIn):
    items = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=500)


class ItemOut(serializers.ModelSerializer[CampaignItem]):
    """One grant to look at. Give `last_reads` in the context: when each grant was last used."""

    grant = GrantOut()
    verdict = serializers.CharField()
    decided_by = serializers.CharField(source="decided_by.username", default=None, allow_null=True)
    last_read_at = serializers.SerializerMethodField()
    unused = serializers.SerializerMethodField()

    class Meta:
        model = CampaignItem
        fields = [
            "id", "grant", "last_read_at", "unused", "verdict", "comment", "decided_by",
            "decided_at",
        ]  # fmt: skip

    def get_last_read_at(self, item: CampaignItem) -> datetime | None:
        found: datetime | None = self.context["last_reads"].get(str(item.grant_id))
        return found

    def get_unused(self, item: CampaignItem) -> bool:
        """Return whether nobody has read by it for a month, as far as is known."""
        return grants.is_unused(item.grant, self.get_last_read_at(item))
