"""The audit log."""

from __future__ import annotations

from django.db import models


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
