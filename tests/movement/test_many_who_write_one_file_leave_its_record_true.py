"""Who puts one key of a folder at the same moment leaves a file whose record tells of that file."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from core.errors import Conflict
from movement.stores.directory import DirectoryStore
from movement.stores.protocol import Body, ObjectFacts

DATA = b"the same bytes for all"
FACTS = ObjectFacts(hashlib.sha256(DATA).hexdigest(), "text/plain")
WRITERS, KEYS = 4, 60


@pytest.mark.parametrize("if_absent", [True, False])
def test_every_record_agrees_with_its_file(tmp_path: Path, if_absent: bool) -> None:
    """Before writers took turns, half of the keys had the record of a writer who came too late."""
    store = DirectoryStore(tmp_path)
    store.ensure_ready()
    together = Barrier(WRITERS)

    def put(key: str) -> str:
        together.wait(60)
        try:
            store.put(key, Body.of(DATA), FACTS, if_absent=if_absent)
        except Conflict:
            return ""
        found = store.stat(key)
        return found.sha256 or "" if found else ""

    with ThreadPoolExecutor(WRITERS) as pool:
        for number in range(KEYS):
            told = list(pool.map(put, [f"key-{number}"] * WRITERS))
            assert told.count(FACTS.sha256) == (1 if if_absent else WRITERS), told
    assert {found.sha256 for key in range(KEYS) if (found := store.stat(f"key-{key}"))} == {
        FACTS.sha256
    }


def test_a_file_that_its_owner_changed_has_no_record(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    store.ensure_ready()
    store.put("key", Body.of(DATA), FACTS)
    (tmp_path / "key").write_bytes(b"another content")
    (tmp_path / "laid-here").write_bytes(DATA)
    for key in ("key", "laid-here"):
        found = store.stat(key)
        assert found is not None
        assert found.sha256 is None
