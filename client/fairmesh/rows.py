"""Rows as one may see them: a stream that masks and filters have gone over, whole or not at all.

They are made for one reader, so no seal vouches for them. A stream that was cut off is an error.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx
import pyarrow as pa

from fairmesh.errors import Denied, FairmeshError, Unavailable
from fairmesh.transport import Api, Json, problem_error
from fairmesh.verify import READ_BYTES, Progress

_END = b"\xff\xff\xff\xff\x00\x00\x00\x00"
"""With what an Arrow stream ends."""
APPLIES = "obligation_applies"


@dataclass(frozen=True)
class FetchedRows:
    """Tables that lie in `directory` as Arrow streams, one for each file, as one may see them."""

    directory: Path
    name: str
    files: Sequence[str]
    obligations: Json
    """What was done to them: masks, rows_filtered, purposes, watermarks."""
    left_out: Sequence[str] = field(default=())
    """Files that are no tables, and so cannot be shown masked."""
    bytes_moved: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "how": "stream",
            "name": self.name,
            "directory": str(self.directory),
            "files": list(self.files),
            "left_out": list(self.left_out),
            "obligations": dict(self.obligations),
            "bytes_moved": self.bytes_moved,
        }

    def in_words(self) -> str:
        """Return in one sentence what one does not see."""
        masks = self.obligations.get("masks") or {}
        told = [f"{column} as {mask}" for column, mask in masks.items()]
        parts = [f"masked: {', '.join(told)}"] if told else []
        if self.obligations.get("rows_filtered"):
            parts.append("some rows only")
        parts += [f"marked {mark!r}" for mark in self.obligations.get("watermarks") or []]
        if self.left_out:
            parts.append(f"left out, being no tables: {', '.join(self.left_out)}")
        return "; ".join(parts)


def stand_in(page: Json) -> Denied:
    """Return the error for who asks for bytes where only rows are to be had."""
    return Denied(
        f"You may read {page['name']} as a masked stream only: use `fairmesh get`, "
        "Client.get_rows or Client.rows.",
        {"code": APPLIES, "name": page["name"], "obligations": page.get("obligations")},
    )


def fetch_rows(
    api: Api, pages: Iterator[Json], directory: Path, progress: Progress | None = None
) -> FetchedRows:
    """Bring the rows of every table to `directory`; each appears whole or not at all."""
    files: list[str] = []
    left_out: list[str] = []
    moved, name, obligations = 0, "", {}
    for page in pages:
        name, obligations = page["name"], page["obligations"]
        for row in page["results"]:
            if row["rows_url"] is None:
                left_out.append(row["path"])
                continue
            target = _target(directory, f"{row['path']}.arrow")
            moved += _bring(api, api.absolute(row["rows_url"]), target, progress)
            files.append(str(target.relative_to(directory)))
    return FetchedRows(directory, name, files, obligations, left_out, moved)


def _target(directory: Path, path: str) -> Path:
    target = directory / path
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.parent.resolve().is_relative_to(directory.resolve()):
        raise FairmeshError(f"{path} leads out of {directory}.")
    return target


def _bring(api: Api, url: str, target: Path, progress: Progress | None) -> int:
    partial = target.with_name(target.name + ".new")
    moved = 0
    try:
        with partial.open("wb") as file, body_of(api, url) as body:
            while piece := body.read(READ_BYTES):
                moved += file.write(piece)
                if progress is not None:
                    progress(len(piece))
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return moved


def read_rows(api: Api, **asked: Any) -> pa.RecordBatchReader:
    """Return the rows of a name, read as they are asked for; the connection ends with them."""
    wanted = httpx.QueryParams({key: value for key, value in asked.items() if value is not None})
    batches = _batches(api, f"{api.address('rows')}?{wanted}")
    schema = cast("pa.Schema", next(batches))
    return pa.RecordBatchReader.from_batches(schema, cast("Iterator[pa.RecordBatch]", batches))


def _batches(api: Api, url: str) -> Iterator[pa.Schema | pa.RecordBatch]:
    with body_of(api, url) as body:
        try:
            reader = pa.ipc.open_stream(body)
            yield reader.schema
            yield from reader
        except pa.ArrowInvalid:
            raise _cut() from None
        body.read()  # the check of its end


@contextmanager
def body_of(api: Api, url: str) -> Iterator[io.BufferedReader]:
    """Open an Arrow stream; reading beyond where it was cut raises Unavailable."""
    try:
        with api.stream(url, {"Accept-Encoding": "identity"}) as answer:
            if answer.status_code >= 300:
                answer.read()
                raise problem_error(answer)
            yield io.BufferedReader(_Body(answer.iter_raw(READ_BYTES)), READ_BYTES)
    except httpx.TransportError as error:
        raise _cut() from error


class _Body(io.RawIOBase):
    """The pieces of an answer as a file that knows how it has to end."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__()
        self._pieces, self._held, self._tail = pieces, b"", b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._held:
            piece = next(self._pieces, None)
            if piece is None:
                if self._tail != _END:
                    raise _cut()
                return 0
            self._held, self._tail = piece, (self._tail + piece)[-len(_END) :]
        count = min(len(buffer), len(self._held))
        buffer[:count], self._held = self._held[:count], self._held[count:]
        return count


def _cut() -> Unavailable:
    return Unavailable(
        "The stream broke off. What you may read may have changed meanwhile; ask again."
    )
