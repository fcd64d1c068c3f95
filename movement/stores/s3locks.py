"""Object lock: what a bucket keeps from everyone. Source: S3 Object Lock.

Retention is in compliance mode, which nobody can end early: it keeps a promise that was made to
others. A legal hold has no end and is lifted by whoever set it.
"""

from __future__ import annotations

from datetime import UTC, datetime

from minio import Minio
from minio.commonconfig import COMPLIANCE
from minio.retention import Retention


def keep_locked(
    control: Minio, bucket: str, name: str, until: datetime | None, *, hold: bool
) -> None:
    """Retain an object until a time, never for less than it is already, and set its legal hold."""
    if until is not None:
        standing = control.get_object_retention(bucket, name)
        end = standing.retain_until_date if standing is not None else None
        if end is None or end.replace(tzinfo=UTC) < until:
            control.set_object_retention(bucket, name, Retention(COMPLIANCE, until))
    if hold:
        control.enable_object_legal_hold(bucket, name)
    elif control.is_object_legal_hold_enabled(bucket, name):
        control.disable_object_legal_hold(bucket, name)
