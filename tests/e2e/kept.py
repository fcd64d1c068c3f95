"""The small mesh as it was when it was made: the next test finds it so, and need not make it again.

To make it takes longer than most tests do. What is kept is the database and the home; on PostgreSQL
it is made for each test.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import connection

from governance.models import User
from tests.builders import Person, World, settle_in


@dataclass
class Kept:
    """A mesh that `make` makes; `folder` is for its home, at the same place in every test."""

    folder: Path
    make: Callable[[Any, Path], World]
    _database: sqlite3.Connection | None = None

    def mesh(self, settings: Any) -> World:
        """Return the mesh as it was made; the database must be empty but for what migrations do."""
        home, untouched = self.folder / "home", self.folder / "untouched"
        if self._database is None:
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir()
            world = self.make(settings, home)
            if connection.vendor == "sqlite":
                self._database = sqlite3.connect(":memory:", check_same_thread=False)
                connection.connection.backup(self._database)
                shutil.copytree(home, untouched)
            return world
        shutil.rmtree(home)
        shutil.copytree(untouched, home)
        self._database.backup(connection.connection)
        cache.clear()
        ContentType.objects.clear_cache()
        settle_in(settings, home)
        return World(home, {each.username: Person(each) for each in User.objects.all()})
