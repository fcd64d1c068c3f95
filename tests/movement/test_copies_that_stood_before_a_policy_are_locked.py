"""A policy that comes later, or asks for longer, locks the copies that stand already."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from minio.error import S3Error

from governance.models import AuditEntry
from movement.models import Leadership, ReplicaLock, Store
from movement.opening import open_store
from movement.services import create_store, keep_locks, locking
from movement.services.leading import leading
from tests.builders import World, deliver
from tests.contracts.test_a_probe_finds_what_a_store_can_do import control
from tests.movement.conftest import WIKI
from tests.servers import S3Server

pytestmark = pytest.mark.servers
FILES = {f"part-{number}.bin": bytes([number]) * 40 for number in range(5)}
DAY = timedelta(days=1)


@pytest.fixture
def vault(folders: World, s3: S3Server) -> Store:
    """A store whose bucket can lock, at core-us."""
    bucket = f"test-{uuid.uuid4().hex[:12]}"
    control(s3).make_bucket(bucket, object_lock=True)
    return create_store(
        folders.operator.principal,
        name="vault-us",
        site="core-us",
        kind="s3",
        endpoint=s3.endpoint,
        bucket=bucket,
        access_key=s3.access_key,
        secret_key=s3.secret_key,
    )


def locked(s3: S3Server, vault: Store, base: str) -> dict[str, datetime]:
    """Return until when each file below `base` is kept, of those that are."""
    found = {}
    for path in FILES:
        try:
            info = control(s3).get_object_retention(vault.bucket, base + path)
        except S3Error as error:
            if error.code != "ObjectLockConfigurationNotFoundError":
                raise
            continue
        if info is not None:
            found[path] = info.retain_until_date
    return found


def test_they_are_locked_step_by_step_longer_and_never_for_less(
    folders: World, s3: S3Server, vault: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locking, "STEP_FILES", 2)
    version = folders.publish(WIKI, FILES, store="vault-us")
    base = version.replicas.get(store=vault).base
    deliver()
    assert keep_locks() == 0
    assert locked(s3, vault, base) == {}

    folders.add_protection("kept", "{object_lock_days: 1}")
    assert [keep_locks() for _ in range(2)] == [2, 2]
    assert len(locked(s3, vault, base)) == 4
    assert ReplicaLock.objects.get().locked_at is None
    assert [keep_locks() for _ in range(2)] == [1, 0]
    first = locked(s3, vault, base)
    assert version.published_at is not None
    due = version.published_at + DAY
    assert set(first) == set(FILES)
    assert all(abs(until - due) < timedelta(seconds=1) for until in first.values())

    folders.add_protection("kept", "{object_lock_days: 3}")
    assert [keep_locks() for _ in range(4)] == [2, 2, 1, 0]
    longer = locked(s3, vault, base)
    assert all(longer[path] - first[path] == 2 * DAY for path in FILES)

    folders.add_protection("kept", "{object_lock_days: 2}")
    assert keep_locks() == 0
    assert locked(s3, vault, base) == longer
    told = AuditEntry.objects.filter(action="lock").order_by("pk")
    assert [(e.policies, e.detail["files"], e.detail["store"]) for e in told] == [
        (["kept"], 5, "vault-us"),
        (["kept"], 5, "vault-us"),
    ]


def test_only_what_carries_the_label_and_is_young_enough_is_locked(
    folders: World, s3: S3Server, vault: Store
) -> None:
    folders.add_protection("kept", "{object_lock_days: 30}", labels=["contract:kept"])
    old = folders.publish(WIKI, FILES, store="vault-us")
    young = folders.publish(WIKI, FILES, store="vault-us")
    type(old).objects.filter(pk=old.pk).update(published_at=timezone.now() - 31 * DAY)
    assert keep_locks() == 0
    folders.add_label(WIKI, "contract:kept")
    assert keep_locks() == len(FILES)
    assert keep_locks() == 0
    bases = [version.replicas.get(store=vault).base for version in (old, young)]
    assert [len(locked(s3, vault, base)) for base in bases] == [0, len(FILES)]


def test_a_legal_hold_that_somebody_set_stays(folders: World, s3: S3Server, vault: Store) -> None:
    version = folders.publish(WIKI, FILES, store="vault-us")
    key = version.replicas.get(store=vault).base + "part-0.bin"
    open_store(vault).lock(key, None, hold=True)
    folders.add_protection("kept", "{object_lock_days: 1}")
    assert keep_locks() == len(FILES)
    assert control(s3).is_object_legal_hold_enabled(vault.bucket, key)


def test_a_file_that_is_gone_is_told_and_stops_no_other_copy(
    folders: World, s3: S3Server, vault: Store
) -> None:
    broken = folders.publish(WIKI, FILES, store="vault-us")
    whole = folders.publish(WIKI, {"a": b"1", "b": b"2"}, store="vault-us")
    opened, replica = open_store(vault), broken.replicas.get(store=vault)
    for generation in list(opened.generations(f"{replica.base}part-3.bin")):
        opened.erase(generation)
    folders.add_protection("kept", "{object_lock_days: 1}")
    assert keep_locks() == 2
    assert ReplicaLock.objects.get(replica__version=whole).locked_at is not None
    row = ReplicaLock.objects.get(replica=replica)
    assert row.locked_at is None
    assert "part-3.bin" in row.reason
    assert s3.endpoint not in row.reason
    assert row.next_attempt_at is not None
    assert keep_locks() == 0  # it is let be for a while
    ReplicaLock.objects.update(next_attempt_at=timezone.now())
    lost = FILES["part-3.bin"]
    sha256 = hashlib.sha256(lost).hexdigest()
    opened.write(f"{replica.base}part-3.bin", lost, sha256=sha256, media_type="text/plain")
    assert keep_locks() == len(FILES)


def test_one_process_is_at_it(folders: World, vault: Store) -> None:
    folders.publish(WIKI, FILES, store="vault-us")
    folders.add_protection("kept", "{object_lock_days: 1}")
    with leading("lock") as lease:
        assert lease is not None
        assert keep_locks() is None
    Leadership.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert keep_locks() == len(FILES)
