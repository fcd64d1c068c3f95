"""Policy documents and their versions."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.ids import new_id
from governance.models.principals import Team


class PolicyKind(models.TextChoices):
    ACCESS = "access"
    PROTECTION = "protection"
    NAMING = "naming"
    SERVICES = "services"


class PolicyState(models.TextChoices):
    DRAFT = "draft"
    ACTIVE = "active"
    RETIRED = "retired"


class Policy(models.Model):
    """One version of a policy document. A document that was active is never edited."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=16, choices=PolicyKind.choices)
    slug = models.SlugField(max_length=64)
    version = models.PositiveIntegerField()
    owner = models.ForeignKey(Team, models.PROTECT, related_name="policies", null=True)
    prefix = models.CharField(max_length=500, default="/")
    labels = models.JSONField(default=list)
    """The scope beside the prefix: a product must carry all of these labels."""
    text = models.TextField()
    spec = models.JSONField(default=dict)
    digest = models.CharField(max_length=71)
    state = models.CharField(max_length=16, choices=PolicyState.choices)
    created_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["slug", "version"], name="one_policy_version"),
            models.UniqueConstraint(
                fields=["slug"], condition=Q(state="active"), name="one_active_policy_version"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=PolicyKind.values), name="policy_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=PolicyState.values), name="policy_state_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.slug}@{self.version}"
