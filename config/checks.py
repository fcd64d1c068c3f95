"""What `manage.py check --deploy` finds beside Django's own checks."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register


@register(Tags.security, deploy=True)
def policies_are_reviewed(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Warn when one person alone can change what everyone may do."""
    del app_configs, kwargs
    if settings.FAIRMESH.policy_review:
        return []
    return [
        Warning(
            "Policies come into force without a second person's approval.",
            hint="Set FAIRMESH_POLICY_REVIEW=true; see docs/how-to/change-a-policy-safely.md.",
            id="fairmesh.W001",
        )
    ]
