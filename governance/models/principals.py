"""Principals: people, machines, the teams they belong to, and their tokens."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q

from core.ids import new_id


class PrincipalKind(models.TextChoices):
    PERSON = "person"
    SERVICE = "service"
    AGENT = "agent"
    SITE = "site"


class User(AbstractUser):
    """A principal that can sign in: a person or a machine."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(
        max_length=16, choices=PrincipalKind.choices, default=PrincipalKind.PERSON
    )
    is_operator = models.BooleanField(default=False)
    """Operators run the mesh: sites, stores, people and policies."""

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=PrincipalKind.values), name="user_kind_is_known"
            )
        ]


class Team(models.Model):
    """Owns domains. A team is named, not numbered, because policies speak of it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    slug = models.SlugField(max_length=64, unique=True)
    title = models.CharField(max_length=200)
    members: models.ManyToManyField[User, Membership] = models.ManyToManyField(
        User, through="Membership", related_name="teams"
    )

    def __str__(self) -> str:
        return self.slug


class TeamRole(models.TextChoices):
    OWNER = "owner"
    MEMBER = "member"


class Membership(models.Model):
    team = models.ForeignKey(Team, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=TeamRole.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "user"], name="one_membership"),
            models.CheckConstraint(condition=Q(role__in=TeamRole.values), name="role_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.team} as {self.role}"


class ApiToken(models.Model):
    """A bearer token: only its digest is kept, so it is shown once and never again."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="tokens")
    title = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(null=True)
    """List of {"actions": […], "prefix": "/…"}; null means everything the user may do."""
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.title
