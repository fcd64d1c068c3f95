"""The copies of the audit log."""

from __future__ import annotations

from django.db import models

from movement.models.places import Store


class AuditCopy(models.Model):
    """How far the audit log is written to a store, which bears witness to what it once was."""

    store = models.OneToOneField(Store, models.CASCADE, related_name="audit_copy")
    size = models.BigIntegerField(default=0)
    """The entries that lie there; also the size of its newest checkpoint."""
    written_at = models.DateTimeField(null=True)
    forked = models.TextField(blank=True)
    """Why the store's checkpoint and our log cannot both be true; empty when they agree."""

    def __str__(self) -> str:
        return f"{self.size} entries at {self.store}"
