"""A copy that was begun before sends no byte of a small file that stands at the target already."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.digests import hash_stream
from core.manifest import FileEntry
from movement.engine.copy import CopyItem, copy_files
from movement.models import Transfer, TransferState
from movement.services import request_transfer, run_transfer
from movement.stores.protocol import Body
from movement.stores.s3 import S3Store
from movement.stores.s3wire import Exchange
from tests.builders import World
from tests.movement.conftest import WIKI
from tests.servers import S3Server

pytestmark = pytest.mark.servers
TYPE = "application/octet-stream"
SIZES = [0, 1, 500, 70_000, 1_000_000]


class Counting(S3Store):
    """Counts the bytes of the bodies that are sent to it."""

    sent = 0

    def _request(self, method: str, key: str | None, query: Any, headers: Any,
                 body: Body | None) -> Exchange:  # fmt: skip
        self.sent += body.bytes if body is not None else 0
        return super()._request(method, key, query, headers, body)


def test_nothing_of_it_is_sent(s3: S3Server) -> None:
    source = s3.store()
    bucket = s3.store().label.rpartition("/")[2]
    target = Counting(s3.endpoint, bucket, "", s3.access_key, s3.secret_key)
    items = []
    for number, size in enumerate(SIZES):
        data = bytes([number]) * size
        count, sha256, chunks = hash_stream([data])
        name = f"file-{number}"
        source.write(name, data, sha256=sha256, media_type=TYPE)
        items.append(CopyItem(name, name, FileEntry(name, count, sha256, TYPE, chunks=chunks)))
    assert copy_files(source, target, items[:4], threads=2).copied == 4
    target.write("file-4", b"another", sha256=hash_stream([b"another"])[1], media_type=TYPE)
    target.sent = 0
    again = copy_files(source, target, [replace(i, look=True) for i in items], threads=2)
    assert (again.present, again.copied) == (4, 1)
    assert target.sent == 2 * SIZES[4], "refused once, since something else is there; then replaced"
    assert target.read("file-4") == bytes([4]) * SIZES[4]


def test_a_transfer_that_goes_on_sends_only_what_the_target_lacks(
    two_sites: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"{number:02}.bin": bytes([number]) * 1000 for number in range(12)}
    version = two_sites.publish(WIKI, files, store="store-eu")
    row = request_transfer(two_sites.operator.principal, version=version.name, target="store-us")
    put, sent, cut = S3Store.put, list[str](), [True]

    def counted(self: S3Store, key: str, body: Body, *rest: Any, **more: Any) -> str:
        if ".fairmesh/" not in key:
            if cut[0] and len(sent) == 5:
                raise RuntimeError("the worker has an accident")
            sent.append(key)
        return put(self, key, body, *rest, **more)

    monkeypatch.setattr(S3Store, "put", counted)
    monkeypatch.setattr("movement.engine.copy.looks_ahead", lambda route: False)
    monkeypatch.setattr("movement.services.carry.THREADS", 1)
    assert run_transfer(row.pk) == TransferState.WAITING
    cut[0] = False
    Transfer.objects.filter(pk=row.pk).update(next_attempt_at=row.created_at)
    assert run_transfer(row.pk) == TransferState.DONE
    assert len(sent) == len(set(sent)) == len(files)
