"""An object of a store as a seekable read-only file, for readers such as Parquet's."""

from __future__ import annotations

import contextlib
import io
import os

from core.errors import IntegrityBroken
from movement.stores.protocol import Store


class ObjectFile(io.RawIOBase):
    """Reads ranges on demand; wrap it in io.BufferedReader for small reads."""

    def __init__(self, store: Store, key: str, size: int) -> None:
        super().__init__()
        self._store, self._key, self._size, self._at = store, key, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

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
