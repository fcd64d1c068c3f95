"""Uploads and sealing do not cross: what the seal speaks of is what lies in the store."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from catalog.models import DraftFile, Version
from core.errors import Conflict, NotFound, UploadIncomplete
from movement.models import Arrival, Replica, ReplicaOrigin
from movement.opening import open_store
from movement.services import abort_version, publish, receive_file
from movement.services.ingest import Announced
from tests.builders import World

pytestmark = pytest.mark.django_db

WIKI = "/acme/nlp/~/wiki"
OLD, NEW = b"x\n1\n", b"x\n2\n"


def send(world: World, version: Version, body: bytes, meanwhile: Callable[[], object]) -> None:
    """Send a.csv, and do something while its bytes are on their way."""
    stream = io.BytesIO(body)

    def read(count: int) -> bytes:
        meanwhile()
        return stream.read(count)

    receive_file(world.ana.principal, version.pk, Announced("a.csv", len(body)), read)


def stored(version: Version) -> bytes | None:
    home = Replica.objects.select_related("store").get(version=version)
    store = open_store(home.store)
    found = store.stat(home.base + "a.csv")
    return None if found is None else store.read(home.base + "a.csv")


def test_a_publication_waits_for_the_file_that_arrives(folders: World) -> None:
    version = folders.draft(WIKI, {"a.csv": OLD})

    def seal() -> None:
        with pytest.raises(Conflict, match=r"still on their way: 'a\.csv'"):
            publish(folders.ana.principal, version.pk)

    send(folders, version, NEW, seal)
    publish(folders.ana.principal, version.pk)
    assert stored(version) == NEW
    assert not Arrival.objects.exists()


def test_one_path_is_sent_once_at_a_time(folders: World) -> None:
    version = folders.draft(WIKI, {"b.csv": OLD})

    def send_again() -> None:
        with pytest.raises(Conflict, match="being sent already"):
            send(folders, version, OLD, lambda: None)

    send(folders, version, NEW, send_again)
    noted = DraftFile.objects.get(version=version, path="a.csv")
    assert stored(version) == NEW
    assert noted.sha256 == hashlib.sha256(NEW).hexdigest()


@pytest.mark.parametrize("swept", [False, True])
def test_an_uploader_that_was_silent_too_long_replaces_nothing(folders: World, swept: bool) -> None:
    version = folders.draft(WIKI, {"a.csv": OLD})

    def fall_silent() -> None:
        Arrival.objects.update(until=timezone.now() - timedelta(seconds=1))
        publish(folders.ana.principal, version.pk)
        if swept:  # as the next upload of the path would do
            Arrival.objects.all().delete()

    with pytest.raises(Conflict, match="never changes"):
        send(folders, version, NEW, fall_silent)
    assert stored(version) == OLD


def test_a_cut_upload_leaves_the_earlier_file_as_it_was(folders: World) -> None:
    version = folders.draft(WIKI, {"a.csv": OLD})
    with pytest.raises(UploadIncomplete):
        receive_file(folders.ana.principal, version.pk, Announced("a.csv", 9), io.BytesIO(NEW).read)
    publish(folders.ana.principal, version.pk)
    assert stored(version) == OLD


def test_a_draft_that_is_given_up_meanwhile_keeps_no_bytes(folders: World) -> None:
    version = folders.draft(WIKI, {"b.csv": OLD})
    home = Replica.objects.select_related("store").get(version=version)

    def give_up() -> None:
        if Version.objects.filter(pk=version.pk).exists():
            abort_version(folders.ana.principal, version.pk)

    with pytest.raises((Conflict, NotFound)):
        send(folders, version, NEW, give_up)
    assert list(open_store(home.store).list(home.base)) == []


def test_what_a_run_writes_is_published_by_the_run_alone(folders: World) -> None:
    version = folders.draft(WIKI, {"a.csv": OLD})
    Replica.objects.filter(version=version).update(origin=ReplicaOrigin.RUN)
    with pytest.raises(Conflict, match="A run writes"):
        publish(folders.ana.principal, version.pk)
    assert publish(folders.ana.principal, version.pk, run="r").digest
