"""Policy documents and their versions."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.ids import new_id
from governance.engine.lifecycle import State
from governance.models.principals import Team


class PolicyKind(models.TextChoices):
    ACCESS = "access"
    PROTECTION = "protection"
    NAMING = "naming"
    SERVICES = "services"


class PolicyState(models.TextChoices):
    """The states of governance.engine.lifecycle."""

    DRAFT = State.DRAFT.value
    VALIDATED = State.VALIDATED.value
    SIMULATED = State.SIMULATED.value
    PROPOSED = State.PROPOSED.value
    APPROVED = State.APPROVED.value
    ACTIVE = State.ACTIVE.value
    RETIRED = State.RETIRED.value


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
    tests = models.JSONField(default=list)
    """The tests that must pass; of YAML documents those that stand in the text."""
    base = models.PositiveIntegerField(default=0)
    """The version that was in force when this one was drafted; 0 when none was."""
    authors = models.JSONField(default=list)
    """Everyone who wrote, edited or proposed this version: none of them can approve it."""
    acts_for = models.CharField(max_length=150, blank=True)
    """The person for whom its pipelines run: whoever wrote this text."""
    approved_by = models.CharField(max_length=150, blank=True)
    activated_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)
    retirement_asked_by = models.CharField(max_length=150, blank=True)
    """Who wants it out of force, where a second person must agree."""
    warnings = models.JSONField(default=list)
    """What was found at the last validation and does not stand in the way."""

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


class PolicySimulation(models.Model):
    """What one version would change, as it was found at one time. The newest one counts."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    policy = models.ForeignKey(Policy, models.CASCADE, related_name="simulations")
    digest = models.CharField(max_length=71)
    """The digest of the text that was simulated."""
    policy_set = models.CharField(max_length=71)
    """The digest of the access policies in force then: when it changed, simulate again."""
    no_new_access = models.BooleanField(default=False)
    passed = models.BooleanField()
    result = models.JSONField()
    """Counts, and names that only who administers the policy's scope may read."""
    created_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.policy} simulated {self.created_at:%Y-%m-%d %H:%M}"


class PolicySetRecord(models.Model):
    """Which versions of which access policies a digest, as decisions record it, stands for."""

    digest = models.CharField(max_length=71, primary_key=True)
    policies = models.JSONField()
    """["slug@version", …], the defaults first by the digest of their text."""
    since = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.digest
