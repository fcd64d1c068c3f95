"""An object of a store as a seekable read-only file, for readers such as Parquet's."""

from __future__ import annotations

import contextlib
import io

from core.errors import IntegrityBroken
from core.positions import PositionedFile
from movement.stores.protocol import Store


class ObjectFile(PositionedFile):
    """Reads ranges on demand; wrap it in io.BufferedReader for small reads."""

    def __init__(self, store: Store, key: str, size: int) -> None:
        super().__init__(size)
        self._store, self._key = store, key

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        wanted = min(len(buffer), self._size - self._at)
        if wanted <= 0:
            return 0
        done = 0
        with self._store.open(self._key, self._at, wanted) as reader:
            while done < wanted and (count := reader.readinto(memoryview(buffer)[done:wanted])):
                done += count
        self._at += done
        return done


class ObjectStream(io.RawIOBase):
    """Reads an object from its beginning to its end over one connection.

    Raises IntegrityBroken when the object is not as long as it should be.
    """

    def __init__(self, store: Store, key: str, size: int) -> None:
        super().__init__()
        with contextlib.ExitStack() as opened:
            self._reader = opened.enter_context(store.open(key, 0, size))
            if self._reader.object_bytes != size:
                raise IntegrityBroken("An object is not as long as its manifest says.")
            self._opened = opened.pop_all()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        return self._reader.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            self._opened.close()
        super().close()


def streamed(store: Store, key: str, size: int) -> io.BufferedReader:
    return io.BufferedReader(ObjectStream(store, key, size), 1024 * 1024)


def buffered(store: Store, key: str, size: int) -> io.BufferedReader:
    return io.BufferedReader(ObjectFile(store, key, size), 256 * 1024)
