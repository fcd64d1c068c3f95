"""A read-only file by its position alone; what is read of it, and from where, a subclass says."""

from __future__ import annotations

import io


class PositionedFile(io.RawIOBase):
    """Keeps the place in a file of `_size` bytes; a subclass reads from `_at` and moves it on."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size, self._at = size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at
