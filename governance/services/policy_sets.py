"""What the digest that decisions record stands for."""

from __future__ import annotations

from core.digests import sha256_digest
from governance.models import Policy, PolicyKind, PolicySetRecord, PolicyState
from governance.selectors import access_policies, default_policies


def note_policy_set() -> PolicySetRecord:
    """Write down which versions the access policies in force are, unless it is known."""
    digest = access_policies().digest
    record, _ = PolicySetRecord.objects.get_or_create(
        digest=digest, defaults={"policies": versions_in_force()}
    )
    return record


def versions_in_force() -> list[str]:
    """Return the access policies in force as slug@version, the defaults by their digest."""
    defaults = sha256_digest(default_policies().encode())
    active = Policy.objects.filter(kind=PolicyKind.ACCESS, state=PolicyState.ACTIVE)
    return [f"default@{defaults}", *(str(policy) for policy in active.order_by("slug"))]
