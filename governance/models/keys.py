"""The keys that sign, and who let them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


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
