"""A tree of folders that no key can leave: every step is opened without following links."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from core.errors import Conflict, Invalid, ObjectMissing, StoreUnavailable
from movement.stores.protocol import check_key

HIDDEN = ".fairmesh-meta"
"""The store's own folder below its root: facts of objects, and unfinished uploads."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NAME_BYTES_MAX = 255


class Folders:
    """Opens, makes, walks and prunes folders below `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @contextlib.contextmanager
    def parent_of(self, key: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """Give an open descriptor of the folder that holds `key`, and the last name of the key.

        Raises ObjectMissing when a folder is not there, Conflict when an object stands where a
        folder is needed, Invalid for a link on the way.
        """
        *folders, name = self._components(key)
        fd = self._open_root()
        try:
            for folder in folders:
                inner = self._step(fd, folder, key, make=make)
                os.close(fd)
                fd = inner
            yield fd, name
        finally:
            os.close(fd)

    def _components(self, key: str) -> list[str]:
        components = check_key(key).split("/")
        if components[0] == HIDDEN:
            raise Invalid(f"{HIDDEN} belongs to the store itself; choose another key.", key=key)
        if any(len(component.encode()) > _NAME_BYTES_MAX for component in components):
            raise Invalid(f"A name in {key!r} takes more than 255 bytes.", key=key)
        return components

    def _open_root(self) -> int:
        try:
            return os.open(self._root, _FOLDER)
        except OSError as error:
            raise StoreUnavailable(
                f"The folder {self._root} cannot be opened: {error.strerror}."
            ) from error

    def _step(self, fd: int, folder: str, key: str, *, make: bool) -> int:
        if make:
            with contextlib.suppress(FileExistsError):
                os.mkdir(folder, dir_fd=fd)
        try:
            return os.open(folder, _FOLDER, dir_fd=fd)
        except FileNotFoundError:
            raise ObjectMissing(f"{self._root} does not hold {key!r}.", key=key) from None
        except OSError:
            found = os.stat(folder, dir_fd=fd, follow_symlinks=False)
            if stat.S_ISLNK(found.st_mode):
                raise Invalid(f"{folder!r} in {key!r} is a link, which is not followed.") from None
            if not make:
                raise ObjectMissing(f"{self._root} does not hold {key!r}.", key=key) from None
            raise Conflict(f"{folder!r} in {key!r} is an object already.", key=key) from None

    def open_file(self, key: str) -> int:
        """Return a descriptor of the regular file under `key`. Raises ObjectMissing, Invalid."""
        with self.parent_of(key) as (fd, name):
            try:
                file = os.open(name, _FILE, dir_fd=fd)
            except FileNotFoundError:
                raise ObjectMissing(f"{self._root} does not hold {key!r}.", key=key) from None
            except OSError as error:
                raise Invalid(f"{key!r} is a link or not a file: {error.strerror}.") from None
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise ObjectMissing(f"{key!r} in {self._root} is not a file.", key=key)
        return file

    def place(self, temporary: Path, key: str, *, if_absent: bool) -> None:
        """Move a finished file under its key in one step that a crash cannot halve."""
        for _ in range(3):  # a folder may be pruned by a delete between its making and its use
            with (
                contextlib.suppress(FileNotFoundError),
                self.parent_of(key, make=True) as (fd, name),
            ):
                self._move(temporary, fd, name, key, if_absent=if_absent)
                os.fsync(fd)
                return
        raise StoreUnavailable(f"{self._root}: the folder of {key!r} keeps being removed.")

    def _move(self, temporary: Path, fd: int, name: str, key: str, *, if_absent: bool) -> None:
        try:
            if if_absent:
                os.link(temporary, name, dst_dir_fd=fd)
                temporary.unlink()
            else:
                os.rename(temporary, name, dst_dir_fd=fd)
        except FileExistsError:
            raise Conflict(f"{key!r} is there already.", key=key) from None
        except (IsADirectoryError, NotADirectoryError):
            raise Conflict(f"{key!r} is a folder of other objects.", key=key) from None

    def remove(self, key: str) -> None:
        """Remove a file, and the folders it leaves empty; one that is not there is no error."""
        absent = (ObjectMissing, FileNotFoundError, IsADirectoryError)
        with contextlib.suppress(*absent), self.parent_of(key) as (fd, name):
            os.unlink(name, dir_fd=fd)
        folders = key.split("/")[:-1]
        while folders:
            with contextlib.suppress(ObjectMissing):
                try:
                    with self.parent_of("/".join(folders)) as (fd, name):
                        os.rmdir(name, dir_fd=fd)
                except OSError:
                    return  # not empty: other objects live there
            folders.pop()

    def walk(self, prefix: str) -> Iterator[tuple[str, os.stat_result]]:
        """Yield (key, status) of every regular file in key order; memory: one folder a level.

        Links and names that are not UTF-8 are no objects and are passed over.
        """
        start = prefix.rpartition("/")[0]
        top = self._root / start if start else self._root
        if start:
            check_key(start)
            try:
                with self.parent_of(start) as (fd, name):
                    os.close(self._step(fd, name, start, make=False))
            except ObjectMissing:
                return
        yield from self._walk(top, f"{start}/" if start else "", prefix)

    def _walk(self, folder: Path, base: str, prefix: str) -> Iterator[tuple[str, os.stat_result]]:
        entries: list[tuple[bytes, os.DirEntry[str]]] = []
        with contextlib.suppress(FileNotFoundError), os.scandir(folder) as found:
            for entry in found:
                with contextlib.suppress(UnicodeEncodeError):
                    is_folder = entry.is_dir(follow_symlinks=False)
                    entries.append((entry.name.encode() + (b"/" if is_folder else b""), entry))
        for order, entry in sorted(entries, key=lambda pair: pair[0]):
            key = base + order.decode()
            if not base and entry.name == HIDDEN:
                continue
            if order.endswith(b"/"):
                if key.startswith(prefix) or prefix.startswith(key):
                    yield from self._walk(folder / entry.name, key, prefix)
            elif key.startswith(prefix) and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(FileNotFoundError):
                    yield key, entry.stat(follow_symlinks=False)
