"""Object lock asked for by a policy: set by the store when the copy is whole, and then it holds."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest

from movement.models import Replica, ReplicaState, Store, Transfer, TransferState
from movement.opening import open_store
from movement.services import create_store, reconcile_version, remove_due, run_transfer
from tests.builders import World, deliver
from tests.contracts.test_a_probe_finds_what_a_store_can_do import control
from tests.movement.conftest import WIKI
from tests.servers import S3Server

pytestmark = pytest.mark.servers


def test_the_copy_goes_where_it_can_be_locked_and_is(
    folders: World, s3: S3Server, settings: Any
) -> None:
    settings.FAIRMESH = replace(settings.FAIRMESH, removal_hours=0)
    bucket = f"test-{uuid.uuid4().hex[:12]}"
    control(s3).make_bucket(bucket, object_lock=True)
    vault = create_store(
        folders.operator.principal,
        name="vault-us",
        site="core-us",
        kind="s3",
        endpoint=s3.endpoint,
        bucket=bucket,
        access_key=s3.access_key,
        secret_key=s3.secret_key,
    )
    Store.objects.filter(pk=vault.pk).update(capacity_bytes=10_000)
    assert vault.capabilities["object_lock"]
    folders.add_protection("kept", "{object_lock_days: 1}")
    version = folders.publish(WIKI, {"a.csv": b"x\n1\n", "b/c.bin": b"\x00" * 50}, store="dir-eu")
    reconcile_version(version.pk)
    transfer = Transfer.objects.get()
    assert (transfer.target.name, transfer.policies) == ("vault-us", ["kept"])
    assert run_transfer(transfer.pk) == TransferState.DONE
    opened, base = open_store(vault), version.replicas.get(store=vault).base
    for path in ("a.csv", "b/c.bin"):
        info = control(s3).get_object_retention(bucket, base + path)
        assert info is not None
        assert version.published_at is not None
        assert info.retain_until_date > version.published_at

    folders.add_protection("kept", "{copies: 1}")
    deliver()
    assert remove_due() == 0  # what a store keeps from everyone it keeps from us
    replica = Replica.objects.get(version=version, store=vault)
    assert replica.state == ReplicaState.DELETING
    assert "keeps its objects" in replica.reason
    assert opened.read(f"{base}a.csv") == b"x\n1\n"
