"""What the services made once, put back as rows and files in every later test of a process.

To found a mesh asks the database hundreds of questions; to put it back, a few for each table.

    KEPT = Kept(make_mesh)

    @pytest.fixture
    def mesh(db, tmp_path):
        return KEPT.put(tmp_path)
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

from django.core.cache import cache as django_cache
from django.db import connection, transaction
from django.utils import timezone

from movement.models import Store, StoreKind

T = TypeVar("T")
Rows = list[Any]
"""Of SQLite tuples of what is stored, of PostgreSQL lines of text."""


@dataclass(frozen=True)
class _Made(Generic[T]):
    """What making it wrote: the rows of each table before and after, and the files of its home."""

    told: T
    tables: dict[str, tuple[Rows, Rows]]
    home: Path
    files: Path


class Kept(Generic[T]):
    """What `make(home)` writes: to the database, and to a home that is an empty folder.

    `make` runs in the first test that asks for it. Later ones must find the tables as it did.
    """

    def __init__(self, make: Callable[[Path], T]) -> None:
        self._make = make
        self._made: _Made[T] | None = None

    def put(self, home: Path) -> T:
        """Have it be there, and return what `make` told of it, the same object in every test.

        Raises AssertionError when its tables hold something else already.
        """
        if self._made is None:
            self._made = self._make_it(home)
            return self._made.told
        django_cache.clear()
        shutil.copytree(self._made.files, home, dirs_exist_ok=True)
        with transaction.atomic():
            for table, (before, after) in self._made.tables.items():
                assert _read(table) == before, f"The table {table} is not as it was."
                _replace(table, after)
            _move_stores(self._made.home, home)
        return self._made.told

    def _make_it(self, home: Path) -> _Made[T]:
        before = _everything()
        told = self._make(home)
        after = _everything()
        files = Path(tempfile.mkdtemp(prefix="fm-kept-"))
        atexit.register(shutil.rmtree, files, ignore_errors=True)
        shutil.copytree(home, files, dirs_exist_ok=True)
        wrote = {
            table: (before[table], rows) for table, rows in after.items() if rows != before[table]
        }
        return _Made(told, wrote, home, files)


def _everything() -> dict[str, Rows]:
    tables = connection.introspection.django_table_names(only_existing=True)
    return {table: _read(table) for table in tables}


def _read(table: str) -> Rows:
    quoted = connection.ops.quote_name(table)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {quoted} TO STDOUT") as copy:
                return [bytes(line) for line in copy]
        cursor.execute(f"SELECT {_as_stored(table)} FROM {quoted}")
        return list(cursor.fetchall())


@cache
def _as_stored(table: str) -> str:
    """Return the columns of a table, each in a term: by itself it would come as it is declared."""
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {quote(table)} LIMIT 0")
        return ", ".join(f"+{quote(column[0])}" for column in cursor.description)


def _replace(table: str, rows: Rows) -> None:
    quoted = connection.ops.quote_name(table)
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {quoted}")
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {quoted} FROM STDIN") as copy:
                for line in rows:
                    copy.write(line)
        elif rows:
            places = ", ".join(["%s"] * len(rows[0]))
            cursor.executemany(f"INSERT INTO {quoted} VALUES ({places})", rows)


def _move_stores(made_in: Path, home: Path) -> None:
    """Have stores that lie in the home lie in this one; that they changed has them opened anew."""
    for store in Store.objects.filter(kind=StoreKind.DIRECTORY, root__startswith=f"{made_in}/"):
        root = home / Path(store.root).relative_to(made_in)
        Store.objects.filter(pk=store.pk).update(root=str(root), updated_at=timezone.now())
