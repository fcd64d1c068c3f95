"""What tests of scrubs share: a version in two stores, and the ways in which bytes go wrong."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.models import Version
from catalog.selectors import manifest_entry
from movement.models import Replica, Scrub, ScrubState, Transfer, TransferState
from movement.opening import open_store
from movement.services import request_transfer, run_scrub, run_transfer, start_scrub
from movement.stores.protocol import Body, ObjectFacts
from tests.builders import World
from tests.movement.conftest import WIKI

FILES = {
    "a/gone.csv": b"x\n1\n",
    "b/short.csv": b"y\n" + b"2\n" * 40,
    "c/flipped.bin": bytes(range(256)) * 300,
    "d/good.bin": bytes(range(255, -1, -1)) * 300,
    "é/good.csv": b"z\n3\n",
}


@dataclass
class Twice:
    """WIKI/v=1 at two stores; `bad` is the replica at the second."""

    world: World
    version: Version
    bad: Replica

    def key(self, path: str) -> str:
        return self.bad.base + path

    def read(self, path: str) -> bytes:
        return open_store(self.bad.store).read(self.key(path))

    def remove(self, path: str) -> None:
        open_store(self.bad.store).delete(self.key(path))

    def write(self, path: str, data: bytes) -> None:
        """Put other bytes in the place of a file, under what is recorded of the right ones."""
        entry = manifest_entry(self.version, path)
        facts = ObjectFacts(entry.sha256, entry.media_type)
        open_store(self.bad.store).put(self.key(path), Body.of(data), facts)

    def flip(self, path: str) -> None:
        data = bytearray(self.read(path))
        data[len(data) // 2] ^= 1
        self.write(path, bytes(data))

    def add(self, path: str) -> None:
        facts = ObjectFacts("0" * 64, "text/plain")
        open_store(self.bad.store).put(self.key(path), Body.of(b"whose?"), facts)

    def repair(self) -> Transfer:
        transfer = Transfer.objects.get(state=TransferState.QUEUED)
        assert run_transfer(transfer.pk) == TransferState.DONE
        self.bad.refresh_from_db()
        transfer.refresh_from_db()
        return transfer


def twice(world: World, first: str, second: str, files: dict[str, bytes] = FILES) -> Twice:
    version = world.publish(WIKI, files, store=first)
    copied = request_transfer(world.operator.principal, version=version.name, target=second)
    assert run_transfer(copied.pk) == TransferState.DONE
    replica = Replica.objects.select_related("store", "version").get(
        version=version, store__name=second
    )
    return Twice(world, version, replica)


def scrub(replica: Replica, *, deep: bool = True) -> Scrub:
    """Read a replica to the end."""
    begun = start_scrub(replica, deep=deep, asked_by="test")
    assert begun is not None
    while run_scrub(begun.pk) == ScrubState.RUNNING:
        pass
    begun.refresh_from_db()
    replica.refresh_from_db()
    return begun


def found(begun: Scrub) -> dict[str, str]:
    return dict(begun.findings.values_list("path", "kind"))
