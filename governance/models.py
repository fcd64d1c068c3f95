"""Who may do what, as tables: principals, policies, grants, labels, keys and the audit log."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.utils import timezone

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


class RequestState(models.TextChoices):
    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"


class AccessRequest(models.Model):
    """Someone asks to read a product for a purpose and a time."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="access_requests")
    name = models.CharField(max_length=500)
    purpose = models.CharField(max_length=64)
    reason = models.TextField(blank=True)
    days = models.PositiveIntegerField()
    state = models.CharField(
        max_length=16, choices=RequestState.choices, default=RequestState.PENDING
    )
    created_at = models.DateTimeField(auto_now_add=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    comment = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "name", "purpose"],
                condition=Q(state="pending"),
                name="one_pending_request",
            ),
            models.CheckConstraint(
                condition=Q(state__in=RequestState.values), name="request_state_is_known"
            ),
        ]
        indexes = [models.Index(fields=["name", "state"])]

    def __str__(self) -> str:
        return f"{self.user} asks for {self.name}"


class LiveGrants(models.QuerySet["Grant"]):
    def live(self) -> LiveGrants:
        """Grants that hold at this moment; expiry needs no job to take effect."""
        return self.filter(revoked_at__isnull=True, expires_at__gt=timezone.now())


class Grant(models.Model):
    """A permission to read one product for one purpose until a moment."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="grants")
    name = models.CharField(max_length=500)
    purpose = models.CharField(max_length=64)
    request = models.OneToOneField(AccessRequest, models.PROTECT, related_name="grant")
    granted_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    objects = LiveGrants.as_manager()

    class Meta:
        indexes = [models.Index(fields=["user", "expires_at"]), models.Index(fields=["name"])]

    def __str__(self) -> str:
        return f"{self.user} reads {self.name} for {self.purpose}"


class LabelOrigin(models.TextChoices):
    MANUAL = "manual"
    SCAN = "scan"
    CONTRACT = "contract"
    INHERITED = "inherited"


class Label(models.Model):
    """A classification on a product (`column` empty) or one of its columns."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=500)
    column = models.CharField(max_length=300, blank=True)
    label = models.CharField(max_length=100)
    origin = models.CharField(max_length=16, choices=LabelOrigin.choices)
    evidence = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=150)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["name", "column", "label"],
                condition=Q(removed_at__isnull=True),
                name="one_live_label",
            ),
            models.CheckConstraint(
                condition=Q(origin__in=LabelOrigin.values), name="label_origin_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} on {self.name}"


class SigningKey(models.Model):
    """A key that seals versions under one prefix, and the anchor's delegation that says so."""

    key_id = models.CharField(primary_key=True, max_length=71)
    prefix = models.CharField(max_length=500)
    public = models.CharField(max_length=44)
    private_sealed = models.TextField()
    """The private key, encrypted by core.vault; never leaves the platform."""
    delegation = models.JSONField(null=True)
    """The DSSE envelope of the delegation; null for the anchor itself (prefix `/`)."""
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["prefix"], condition=Q(retired_at__isnull=True), name="one_key_per_prefix"
            )
        ]

    def __str__(self) -> str:
        return f"{self.prefix} {self.key_id}"


class AuditEntry(models.Model):
    """One act, grant or denial. Rows are only ever added."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    principal = models.CharField(max_length=150)
    action = models.CharField(max_length=64)
    name = models.CharField(max_length=1500)
    allowed = models.BooleanField()
    policies = models.JSONField(default=list)
    policy_set = models.CharField(max_length=71, blank=True)
    detail = models.JSONField(default=dict)
    leaf = models.CharField(max_length=64)
    """RFC 6962 leaf hash of the entry's canonical JSON."""

    class Meta:
        indexes = [models.Index(fields=["principal", "id"]), models.Index(fields=["name"])]

    def __str__(self) -> str:
        return f"{self.principal} {self.action} {self.name}"
