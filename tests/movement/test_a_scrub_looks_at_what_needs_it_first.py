"""What is compared, in which order replicas are read again, and how fast: pure rules."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from core.digests import CHUNK_BYTES, Chunk, hash_stream
from core.manifest import FileEntry
from movement.engine.pace import Pace
from movement.engine.scrub import (
    Candidate,
    Reading,
    choose,
    compare,
    judge,
    read_differently,
    read_file,
    readers_needed,
    urgency,
)
from movement.engine.spans import CopyStopped, Lane
from movement.models import Replica, Scrub, ScrubState
from movement.services import run_scrub, scrub_due
from movement.stores.directory import DirectoryStore
from tests.builders import World
from tests.movement.scrubbing import scrub, twice

PATHS = st.text("aé/~\U0001f600z", min_size=1, max_size=4)
TREES = st.dictionaries(PATHS, st.integers(0, 3), max_size=8)


def entry(path: str, size: int) -> FileEntry:
    return FileEntry(path, size, "0" * 64, "text/plain")


def in_order(tree: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(tree.items(), key=lambda item: item[0].encode())


@given(TREES, TREES)
def test_a_listing_is_compared_as_sets_would_be(
    there: dict[str, int], wanted: dict[str, int]
) -> None:
    findings = compare(in_order(there), [entry(*item) for item in in_order(wanted)])
    said = {finding.path: str(finding.fault) for finding in findings}
    short = {path for path in there.keys() & wanted.keys() if there[path] != wanted[path]}
    assert said == {
        **dict.fromkeys(wanted.keys() - there.keys(), "missing"),
        **dict.fromkeys(there.keys() - wanted.keys(), "extra"),
        **dict.fromkeys(short, "truncated"),
    }


def test_a_wrong_file_names_its_wrong_chunks() -> None:
    right = tuple(Chunk(str(number) * 64, number) for number in range(3))
    file = FileEntry("f", 2 * CHUNK_BYTES + 5, "a" * 64, "text/plain", None, right)
    wrong = (right[0], Chunk("f" * 64, 1), Chunk("e" * 64, 2))
    finding = judge(file, Reading(file.bytes, "b" * 64, wrong))
    assert finding is not None
    assert finding.detail == (
        f"2 of 3 chunks are wrong: bytes {CHUNK_BYTES}-{2 * CHUNK_BYTES - 1}, "
        f"{2 * CHUNK_BYTES}-{2 * CHUNK_BYTES + 4}."
    )
    assert judge(file, Reading(file.bytes, "a" * 64, right)) is None
    assert read_differently(Reading(5, "a" * 64), Reading(5, "b" * 64))
    assert not read_differently(Reading(None), Reading(5, "b" * 64)), "it was late, not wrong"


def names(*candidates: Candidate, slots: int = 9, busy: frozenset[str] = frozenset()) -> list[str]:
    return [each.store for each in choose(candidates, 90, slots, busy)]


def at(store: str, age: float | None, copies: int = 2, risky: bool = False) -> Candidate:
    return Candidate(str(UUID(int=0)), store, age, copies, risky)


def test_never_proved_comes_first_then_what_is_most_overdue() -> None:
    assert names(at("a", 100), at("b", None), at("c", 200), at("d", 89)) == ["b", "c", "a"]
    assert names(at("a", None, copies=3), at("b", None, copies=1)) == ["b", "a"]
    assert names(at("a", 50), at("b", 50, copies=1), at("c", 30, risky=True)) == ["c", "b"]


def test_a_store_is_read_once_at_a_time_and_no_more_than_there_are_slots() -> None:
    assert names(at("a", 100), at("a", 200), at("b", 95)) == ["a", "b"]
    assert names(at("a", 100), at("b", 200), busy=frozenset({"b"})) == ["a"]
    assert names(at("a", 100), at("b", 200), slots=1) == ["b"]


@given(st.uuids(), st.floats(0, 1000))
def test_none_waits_longer_than_its_days_and_none_is_read_much_earlier(
    replica: UUID, age: float
) -> None:
    due = urgency(Candidate(str(replica), "a", age, 2), 90) >= 1
    assert due or age < 90
    assert not due or age >= 0.8 * 90 - 1e-6


def test_as_many_read_as_it_takes() -> None:
    assert readers_needed(0, 90, 50) == 1
    assert readers_needed(90 * 86_400 * 50, 90, 50) == 1
    assert readers_needed(90 * 86_400 * 50 + 1, 90, 50) == 2
    assert readers_needed(10**18, 90, 0) == 1


def test_a_file_is_read_no_faster_than_the_pace_lets_it(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "store")
    store.ensure_ready()
    data = bytes(range(256)) * 4000
    size, sha256, chunks = hash_stream([data])
    store.write("file", data, sha256=sha256, media_type="text/plain")
    entry, clock = FileEntry("file", size, sha256, "text/plain", chunks=chunks), [0.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    pace = Pace(100_000, lambda: clock[0], sleep)
    lane = Lane(lambda count: None, lambda: False, pace=pace)
    assert read_file(store, "file", entry, lane).sha256 == sha256
    assert size / 100_000 - 0.5 <= clock[0] <= size / 100_000
    stopped = Lane(lambda count: None, lambda: True, pace=pace)
    with pytest.raises(CopyStopped):
        read_file(store, "file", entry, stopped)


def test_the_round_begins_what_is_due(folders: World) -> None:
    two = twice(folders, "dir-eu", "dir-us", {"a.csv": b"x\n1\n"})
    assert scrub_due() == 0, "it was proved when it came"
    week = timezone.now() - timedelta(days=7)
    Replica.objects.update(verified_at=week)
    assert scrub_due() == 2
    assert scrub_due() == 0, "they are under way"
    for begun in Scrub.objects.all():
        assert not begun.deep
        assert run_scrub(begun.pk) == ScrubState.GOOD
    assert scrub_due() == 0, "they were looked at today"
    Replica.objects.filter(pk=two.bad.pk).update(verified_at=week - timedelta(days=90))
    assert scrub_due() == 1
    begun = Scrub.objects.get(state=ScrubState.RUNNING)
    assert (begun.deep, begun.replica_id, begun.asked_by) == (True, two.bad.pk, "service.scrubber")


def test_listings_that_found_nothing_are_kept_once(folders: World) -> None:
    two = twice(folders, "dir-eu", "dir-us", {"a.csv": b"x\n1\n"})
    deep = scrub(two.bad)
    for _ in range(3):
        last = scrub(two.bad, deep=False)
    assert set(Scrub.objects.values_list("pk", flat=True)) == {deep.pk, last.pk}


def test_who_may_see_and_begin_scrubs(folders: World) -> None:
    two = twice(folders, "dir-eu", "dir-us")
    two.flip("c/flipped.bin")
    two.add("x.txt")
    begun = scrub(two.bad)
    two.repair()
    ben, ana = folders.ben.client(), folders.ana.client()
    address = f"/api/v1/replicas/{two.bad.pk}/scrub"
    asked = {"deep": False}

    def post(client: Client, address: str) -> Any:
        return client.post(address, asked, "application/json")

    assert post(ben, address).status_code == 403
    assert post(ana, f"/api/v1/replicas/{uuid4()}/scrub").status_code == 404
    answer = post(ana, address)
    assert (answer.status_code, answer.json()["deep"]) == (202, False)
    assert post(ana, address).status_code == 409
    rows = ben.get("/api/v1/scrubs", {"state": "broken", "store": "dir-us"}).json()["results"]
    assert [(row["id"], row["broken"], row["repaired"], row["extra"]) for row in rows] == [
        (str(begun.pk), 1, 1, 1)
    ]
    assert len(ben.get("/api/v1/scrubs", {"replica": str(two.bad.pk)}).json()["results"]) == 2
    assert ben.get("/api/v1/scrubs", {"store": "dir-eu"}).json()["results"] == []
    assert ben.get("/api/v1/scrubs", {"replica": "nonsense"}).status_code == 422
    told = ben.get(f"/api/v1/scrubs/{begun.pk}").json()
    assert [(row["path"], row["kind"]) for row in told["findings"]] == [
        ("c/flipped.bin", "flipped"), ("x.txt", "extra")
    ]  # fmt: skip
    product = two.version.product
    product.visibility = "team"
    product.save()
    assert ben.get("/api/v1/scrubs").json()["results"] == []
    assert ben.get(f"/api/v1/scrubs/{begun.pk}").status_code == 404
    assert post(ben, address).status_code == 404
