"""Object lock: what a bucket keeps from everyone. Source: S3 Object Lock.

Retention is in compliance mode, which nobody can end early: it keeps a promise that was made to
others. A legal hold has no end and is lifted by whoever set it.
"""

from __future__ import annotations

from datetime import UTC, datetime

from minio import Minio
from minio.commonconfig import COMPLIANCE
from minio.error import S3Error
from minio.retention import Retention

_NONE = frozenset(
    {
        "NoSuchObjectLockConfiguration",
        "ObjectLockConfigurationNotFoundError",
        "NoSuchObjectLegalHold",
    }
)
"""How servers say that an object has no retention or no hold."""


def keep_locked(
    control: Minio, bucket: str, name: str, until: datetime | None, *, hold: bool | None
) -> None:
    """Retain an object until a time, never for less than it is; set or lift its hold."""
    if until is not None:
        standing = _retained_until(control, bucket, name)
        if standing is None or standing < until:
            control.set_object_retention(bucket, name, Retention(COMPLIANCE, until))
    if hold:
        control.enable_object_legal_hold(bucket, name)
    elif hold is False and _is_held(control, bucket, name):
        control.disable_object_legal_hold(bucket, name)


def _retained_until(control: Minio, bucket: str, name: str) -> datetime | None:
    try:
        standing = control.get_object_retention(bucket, name)
    except S3Error as error:
        if error.code in _NONE:
            return None
        raise
    return standing.retain_until_date.replace(tzinfo=UTC) if standing is not None else None


def _is_held(control: Minio, bucket: str, name: str) -> bool:
    try:
        return control.is_object_legal_hold_enabled(bucket, name)
    except S3Error as error:
        if error.code in _NONE:
            return False
        raise
