"""Unfinished uploads of a directory: one folder each, with its facts, its data and its parts."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import google_crc32c

from core.errors import Conflict, ObjectMissing
from movement.stores.protocol import ObjectFacts, Part, Upload

_ID = re.compile(r"[0-9a-f]{32}")
_PART = re.compile(r"part-(\d+)-(\d+)")
_BLOCK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class StartedUpload:
    """One upload that was begun; part N lies at (N - 1) x `part_bytes` of its data file."""

    folder: Path
    key: str
    facts: ObjectFacts
    part_bytes: int

    @property
    def data_path(self) -> Path:
        return self.folder / "data"

    @contextlib.contextmanager
    def data(self) -> Iterator[int]:
        fd = os.open(self.data_path, os.O_RDWR)
        try:
            yield fd
        finally:
            os.close(fd)

    def record_part(self, number: int, part_bytes: int, crc32c: int) -> Part:
        """Remember that a part is whole; called only after its last byte was written."""
        for old in self.folder.glob(f"part-{number}-*"):
            old.unlink()
        (self.folder / f"part-{number}-{part_bytes}").touch()
        return Part(number, part_bytes, f"{crc32c:08x}", crc32c)

    def parts(self) -> Iterator[Part]:
        """Yield the whole parts; their crc32c is taken from the disk now, not from memory."""
        found = [m for entry in self.folder.iterdir() if (m := _PART.fullmatch(entry.name))]
        with self.data() as fd:
            for number, size in sorted((int(m[1]), int(m[2])) for m in found):
                crc32c = _crc32c_of(fd, (number - 1) * self.part_bytes, size)
                yield Part(number, size, f"{crc32c:08x}", crc32c)

    def truncate(self, parts: Sequence[Part]) -> None:
        """Cut the data to the given parts. Raises Conflict when they do not lie end to end."""
        numbers = [part.number for part in parts]
        full = all(part.bytes == self.part_bytes for part in parts[:-1])
        if numbers != list(range(1, len(parts) + 1)) or not full:
            raise Conflict(f"The parts of {self.key!r} have gaps.", key=self.key)
        os.truncate(self.data_path, sum(part.bytes for part in parts))

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def _crc32c_of(fd: int, offset: int, size: int) -> int:
    crc32c, end = 0, offset + size
    while offset < end and (block := os.pread(fd, min(_BLOCK_BYTES, end - offset), offset)):
        crc32c = google_crc32c.extend(crc32c, block)
        offset += len(block)
    return crc32c


class DirectoryUploads:
    """The unfinished uploads below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def begin(self, key: str, facts: ObjectFacts, part_bytes: int) -> str:
        upload_id = uuid.uuid4().hex
        folder = self.root / upload_id
        folder.mkdir(parents=True)
        (folder / "data").touch()
        about = {
            "key": key,
            "sha256": facts.sha256,
            "media_type": facts.media_type,
            "part_bytes": part_bytes,
            "started": datetime.now(UTC).isoformat(),
        }
        (folder / "new.json").write_text(json.dumps(about))
        (folder / "new.json").rename(folder / "upload.json")
        return upload_id

    def need(self, key: str, upload_id: str) -> StartedUpload:
        """Return the upload. Raises ObjectMissing when there is none of that id for `key`."""
        folder = self.root / upload_id
        known = _about(folder) if _ID.fullmatch(upload_id) else None
        if known is None or known["key"] != key:
            raise ObjectMissing(f"There is no upload {upload_id!r} of {key!r}.", key=key)
        facts = ObjectFacts(str(known["sha256"]), str(known["media_type"]))
        return StartedUpload(folder, key, facts, int(known["part_bytes"]))

    def parts(self, key: str, upload_id: str) -> tuple[Part, ...]:
        return tuple(self.need(key, upload_id).parts())

    def list(self, prefix: str) -> Iterator[Upload]:
        if not self.root.is_dir():
            return
        for folder in sorted(self.root.iterdir()):
            known = _about(folder)
            if known is not None and str(known["key"]).startswith(prefix):
                started = datetime.fromisoformat(str(known["started"]))
                yield Upload(str(known["key"]), folder.name, started)


def _about(folder: Path) -> dict[str, str | int] | None:
    try:
        about: dict[str, str | int] = json.loads((folder / "upload.json").read_text())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return about
