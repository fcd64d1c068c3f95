"""The audit log: what happened, what a commitment stands for, and the tree that proves it all."""

from __future__ import annotations

from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Concat

from governance.engine.leaves import PREFIX, lookup_of


class Entries(models.QuerySet["AuditEntry"]):
    """Finds entries by the clear names of people, as long as these are known."""

    def by(self, username: str) -> Entries:
        """Entries of what this principal did itself."""
        return self.filter(_stands_in("principal", username))

    def for_(self, username: str) -> Entries:
        """Entries of what agents did on behalf of this person."""
        return self.filter(_stands_in("on_behalf_of", username))

    def on(self, name: str) -> Entries:
        """Entries of what was done to this name: a product's, a person's, an address."""
        return self.filter(_stands_in("name", name))


def _stands_in(column: str, value: str) -> Q:
    known = ClearText.objects.filter(lookup=lookup_of(value))
    columns = known.annotate(column=Concat(Value(PREFIX), "commitment")).values("column")
    return Q(**{column: value}) | Q(**{f"{column}__in": columns})


class AuditEntry(models.Model):
    """One act, grant or denial. Rows are only ever added; the sequencer gives each its place."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    principal = models.CharField(max_length=150)
    """A commitment, or the clear id of a service of the platform."""
    on_behalf_of = models.CharField(max_length=150, blank=True)
    """The person for whom an agent acted, as a commitment; empty otherwise."""
    action = models.CharField(max_length=64)
    name = models.CharField(max_length=1500)
    allowed = models.BooleanField()
    policies = models.JSONField(default=list)
    policy_set = models.CharField(max_length=71, blank=True)
    detail = models.JSONField(default=dict)
    leaf = models.CharField(max_length=64)
    """RFC 9162 leaf hash of the entry's canonical JSON, made with the act."""
    position = models.BigIntegerField(null=True, unique=True)
    """Its place in the tree, from 0 on; null until the sequencer has seen it."""

    objects = Entries.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["principal", "id"]),
            models.Index(
                fields=["on_behalf_of", "id"],
                condition=~Q(on_behalf_of=""),
                name="audit_on_behalf_of",
            ),
            models.Index(fields=["name"]),
            models.Index(fields=["at"], name="audit_at"),
            models.Index(
                fields=["id"], condition=Q(position__isnull=True), name="audit_without_a_place"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.principal} {self.action} {self.name}"


class ClearText(models.Model):
    """What a commitment stands for, until it is erased. The log itself never holds this.

    There may be several for one value: two acts that begin at once do not wait for each other.
    """

    commitment = models.CharField(primary_key=True, max_length=64)
    salt = models.CharField(max_length=32)
    value = models.TextField()
    lookup = models.CharField(max_length=64)
    """The value's own sha256, by which it is found; a text may be too long for an index."""
    of = models.CharField(max_length=150)
    """The person that it tells of, whose erasure takes it along."""

    class Meta:
        indexes = [
            models.Index(fields=["of", "lookup"], name="clear_text_of"),
            models.Index(fields=["lookup"], name="clear_text_value"),
        ]

    def __str__(self) -> str:
        return self.commitment


class AuditTree(models.Model):
    """The one row that a sequencer holds while it works; acts never touch it."""

    size = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.size} entries"


class AuditTile(models.Model):
    """Up to 256 hashes of the tree; see core.tiles."""

    level = models.PositiveSmallIntegerField()
    number = models.BigIntegerField()
    hashes = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["level", "number"], name="one_audit_tile")]

    def __str__(self) -> str:
        return f"{self.level}/{self.number}"


class AuditCheckpoint(models.Model):
    """What the log said of itself when it had so many entries, signed by the anchor."""

    size = models.BigIntegerField(primary_key=True)
    root = models.CharField(max_length=64)
    key_id = models.CharField(max_length=71)
    note = models.TextField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.size} {self.root}"


class ReadMeter(models.Model):
    """How often a principal read a product within an hour, until it is rolled up into the log."""

    hour = models.DateTimeField()
    principal = models.CharField(max_length=150)
    on_behalf_of = models.CharField(max_length=150, blank=True)
    action = models.CharField(max_length=64)
    name = models.CharField(max_length=500)
    reads = models.PositiveBigIntegerField(default=1)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["hour", "principal", "on_behalf_of", "action", "name"],
                name="one_meter_an_hour",
            )
        ]
        indexes = [models.Index(fields=["principal", "name"], name="meter_of_principal")]

    def __str__(self) -> str:
        return f"{self.principal} {self.action} {self.name}: {self.reads}"


class LastRead(models.Model):
    """When a principal last read a product, as far as the meters are rolled up."""

    principal = models.CharField(max_length=150)
    name = models.CharField(max_length=500)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["principal", "name"], name="one_last_read")]

    def __str__(self) -> str:
        return f"{self.principal} read {self.name} at {self.at}"
