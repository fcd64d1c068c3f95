"""What `manage.py check`, and with `--deploy`, finds beside Django's own checks."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register


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


@register()
def ray_is_installed(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Refuse to start when shards are to go to a cluster that nobody here can speak to."""
    del app_configs, kwargs
    if not settings.FAIRMESH.ray_address or find_spec("ray") is not None:
        return []
    return [
        Error(
            "FAIRMESH_RAY_ADDRESS is set, and Ray is not installed.",
            hint="Install the extra `ray`, or leave the shards to Celery's workers.",
            id="fairmesh.E001",
        )
    ]
