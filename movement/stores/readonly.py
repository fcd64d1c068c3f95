"""What a store that is only read from says to every write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NoReturn

from core.errors import ObjectMissing, StoreRefused
from movement.stores.protocol import (
    Body,
    Bytes,
    Generation,
    ObjectFacts,
    ObjectInfo,
    Part,
    Upload,
    Writer,
    check_key,
    check_media_type,
)


class ReadOnly:
    """The writing half of the protocol, refused: StoreRefused that says why, after a good key."""

    label: str

    def _refuse(self, key: str) -> NoReturn:
        raise StoreRefused(
            f"{self.label} is read only: its objects are served by somebody else. Nothing is "
            f"written or removed there; ask them about {check_key(key)!r}.",
            store=self.label,
            key=key,
        )

    def write(self, key: str, data: Bytes, *, sha256: str, media_type: str) -> ObjectInfo:
        del data, sha256
        check_media_type(media_type)
        self._refuse(key)

    def put(self, key: str, body: Body, facts: ObjectFacts, *, if_absent: bool = False) -> str:
        del body, facts, if_absent
        self._refuse(key)

    def writer(self, key: str, *, media_type: str, total_bytes: int | None = None) -> Writer:
        del media_type, total_bytes
        self._refuse(key)

    def copy_within(self, source_key: str, target_key: str, facts: ObjectFacts) -> ObjectInfo:
        del source_key, facts
        self._refuse(target_key)

    def lock(self, key: str, until: datetime | None, *, hold: bool | None = None) -> None:
        del until, hold
        self._refuse(key)

    def delete(self, key: str) -> None:
        self._refuse(key)

    def erase(self, generation: Generation) -> None:
        self._refuse(generation.key)

    def begin_upload(self, key: str, facts: ObjectFacts, *, part_bytes: int) -> str:
        del facts, part_bytes
        self._refuse(key)

    def parts(self, key: str, upload_id: str) -> tuple[Part, ...]:
        raise ObjectMissing(f"There is no upload {upload_id!r} of {check_key(key)!r}.", key=key)

    def put_part(self, key: str, upload_id: str, number: int, body: Body) -> Part:
        del upload_id, number, body
        self._refuse(key)

    def complete_upload(
        self, key: str, upload_id: str, parts: Sequence[Part], *, if_absent: bool = False
    ) -> None:
        del upload_id, parts, if_absent
        self._refuse(key)

    def abort_upload(self, key: str, upload_id: str) -> None:
        """Nothing was ever begun here."""
        del upload_id
        check_key(key)

    def uploads(self, prefix: str = "") -> Iterator[Upload]:
        del prefix
        return iter(())
