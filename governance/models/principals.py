"""Principals: people, machines, the teams they belong to, and their tokens.

Groups of the mesh are those of `django.contrib.auth`, through `user.groups`.
"""

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
    team = models.ForeignKey("Team", models.PROTECT, null=True, related_name="machines")
    """The team that answers for a machine: its owners make its tokens and may put it out."""
    site = models.CharField(max_length=64, default="", blank=True)
    """The site that a principal of kind `site` speaks for, by name."""

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=PrincipalKind.values), name="user_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(team__isnull=True) | ~Q(kind=PrincipalKind.PERSON),
                name="no_team_answers_for_a_person",
            ),
            models.CheckConstraint(
                condition=Q(site="") | Q(kind=PrincipalKind.SITE), name="only_a_site_has_a_site"
            ),
            models.CheckConstraint(
                condition=Q(is_operator=False) | Q(kind=PrincipalKind.PERSON),
                name="operators_are_people",
            ),
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
    """Who acts. Of a delegation: the agent."""
    on_behalf_of = models.ForeignKey(User, models.CASCADE, null=True, related_name="delegations")
    """The person for whom the agent acts, who may take the delegation back at any time."""
    client = models.CharField(max_length=100, default="", blank=True)
    """The OIDC client that it was given to; empty for a token made by hand."""
    title = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(null=True)
    """List of {"actions": […], "prefix": "/…"}; null means everything the user may do."""
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    last_used_from = models.CharField(max_length=64, default="", blank=True)
    """The network it was last used from, a /24 or a /48: enough to wonder at, and no person."""
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.title


class Remembered(models.Model):
    """What the steps of a sign-in must recall for minutes, whichever process answers next.

    The table of Django's database cache: used-up codes, counters of attempts, device codes.
    """

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "governance_remembered"

    def __str__(self) -> str:
        return self.cache_key
