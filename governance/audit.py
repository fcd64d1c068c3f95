"""The audit log: every act, grant and denial, written in the transaction of the act itself."""

from __future__ import annotations

import hashlib
from typing import Any

from django.utils import timezone

from core.canonical import canonical_json
from governance.engine.entities import Decision, Principal
from governance.models import AuditEntry


def record(
    principal: Principal, action: str, name: str, decision: Decision, **detail: Any
) -> AuditEntry:
    """Add one entry. `detail` holds JSON values and never a secret or a row of data."""
    at = timezone.now()
    entry = {
        "at": at.isoformat(),
        "principal": principal.id,
        "action": action,
        "name": name,
        "allowed": decision.allow,
        "policies": list(decision.policies),
        "policy_set": decision.policy_set,
        "detail": detail,
    }
    leaf = hashlib.sha256(b"\x00" + canonical_json(entry)).hexdigest()
    return AuditEntry.objects.create(**{**entry, "at": at}, leaf=leaf)
