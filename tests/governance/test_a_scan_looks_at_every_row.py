"""A publication is scanned, whatever its files are; what cannot be scanned is said."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from django.db import OperationalError

from core.errors import PolicyDenied
from governance.models import Label, ScanState
from governance.services import save_policy
from movement.reading import resolve
from movement.rows import Asked
from movement.services import set_site_state
from tests.builders import World, build_world, deliver
from tests.governance.scanning import labels, newest_scan, result_of, work
from tests.transforms.test_examples_of_tfrecord_become_rows import example, record
from tests.transforms.test_samples_of_mds_become_rows import shard
from transforms.engine.scanning import blocks_of
from transforms.services import scans

PEOPLE = "/acme/nlp/~/people"
IBAN, CARD, SSN = "DE89370400440532013000", "4111 1111 1111 1111", "536-90-4399"


@pytest.fixture
def world(db: None, settings: Any, tmp_path: Path) -> World:
    world = build_world(settings, tmp_path)
    world.add_site("core", "core", ["DE", "EU"])
    world.add_directory("store", "core")
    world.add_product(PEOPLE, access="open")
    return world


def parquet(**columns: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def lines(*rows: Any) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def test_one_address_in_the_last_row_makes_a_label(world: World) -> None:
    texts = ["nothing to see here"] * 20_000 + ["ask ann@example.org"]
    world.publish(PEOPLE, {"a.parquet": parquet(text=texts, id=range(20_001))})
    work()
    assert labels(PEOPLE) == {("text", "pii:email")}
    scan = newest_scan(PEOPLE)
    (column,) = [each for each in result_of(PEOPLE)["columns"] if each["column"] == "text"]
    (found,) = column["findings"]
    assert (column["rows"], found["matches"]) == (20_001, 1)
    assert (scan.files_done, scan.files_total, scan.rows_done) == (1, 1, 20_001)
    assert 0 < found["low"] < found["rate"] < found["high"] < 0.001
    assert "example.org" not in json.dumps([scan.result, scan.partial])
    evidence = Label.objects.get(name=PEOPLE).evidence
    assert (evidence["detector"], evidence["detector_version"]) == ("email", "1.1")
    assert "ann" not in json.dumps(evidence)


def test_every_format_is_read(world: World) -> None:
    nested = {"who": {"contact": [{"mail": "eve@example.org"}]}}
    files = {
        "a.csv": f'name,account\n"Ann, B",{IBAN}\n'.encode(),
        "b.jsonl": lines({"x": 1}, {"x": "two"}, nested),
        "c.jsonl.gz": gzip.compress(lines({"number": CARD})),
        "d.csv.zst": zstandard.compress(f"social\n{SSN}\n".encode()),
        "e.parquet": parquet(doc=[json.dumps({"key": "AKIA" + "Q" * 16})], n=[4111111111111111]),
        "notes.md": b"call me: bob@example.org\n",
        "more.txt.gz": gzip.compress(b"-----BEGIN RSA PRIVATE KEY-----\n"),
        "ragged.csv": b"a,b\n1,2\n1,2,zoe@example.org\n",
        "f.tfrecord": record(example({"lead": (b"fay@example.org", "byte")})),
        "g.mds": shard({"owner": ("str", None)}, [b"\x0f\0\0\0gil@example.org"]),
        "dense": b"\x00\x01\x02",
    }  # fmt: skip
    world.publish(PEOPLE, files)
    work()
    assert labels(PEOPLE) == {
        ("account", "pii:iban"),
        ("who", "pii:email"),
        ("number", "pii:card"),
        ("social", "pii:ssn"),
        ("doc", "secret:aws-key"),
        ("n", "pii:card"),
        ("lead", "pii:email"),
        ("owner", "pii:email"),
        ("", "pii:email"),
        ("", "secret:private-key"),
    }
    result = result_of(PEOPLE)
    assert result["complete"]
    assert [each["path"] for each in result["files"]["skipped"]] == ["dense"]
    assert result["free_text"]["state"] in {"not_installed", "not_configured"}


def test_a_damaged_file_is_told_and_the_others_are_scanned(world: World) -> None:
    files = {"a.parquet": b"PAR1 not really", "b.csv.gz": gzip.compress(b"x\n1\n" * 99)[:-12],
             "c.csv": b"mail\nann@example.org\n"}  # fmt: skip
    world.publish(PEOPLE, files)
    work()
    result = result_of(PEOPLE)
    failed = {each["path"]: each["reason"] for each in result["files"]["failed"]}
    assert set(failed) == {"a.parquet", "b.csv.gz"}
    assert all(failed.values())
    assert not result["complete"]
    assert labels(PEOPLE) == {("mail", "pii:email")}


def test_a_scan_stops_the_read_that_a_policy_forbids(world: World) -> None:
    policy = (
        '@id("no-mail")\n@reason("Addresses are for the team.")\n'
        'forbid (principal in Group::"members", action == Action::"read", resource is Product)\n'
        'when { resource.labels.contains("pii:email") };\n'
    )
    save_policy(world.operator.principal, kind="access", slug="no-mail", text=policy)
    version = world.publish(PEOPLE, {"a.csv": b"mail\nann@example.org\n"})
    assert resolve(world.ben.principal, Asked(version.name)).files
    work()
    with pytest.raises(PolicyDenied) as refused:
        resolve(world.ben.principal, Asked(version.name))
    assert "no-mail" in refused.value.extra["policies"]


def test_a_version_without_a_replica_is_scanned_when_one_is_back(world: World) -> None:
    world.publish(PEOPLE, {"a.csv": b"mail\nann@example.org\n"})
    operator = world.operator.principal
    set_site_state(operator, "core", "offline")
    scan = newest_scan(PEOPLE)
    assert scans.run_scan(scan.pk) == ScanState.WAITING
    scan.refresh_from_db()
    assert (scan.reason_code, scan.lease_owner) == ("store_unavailable", "")
    assert scans.run_scan(scan.pk) is None, "it is not due yet"
    set_site_state(operator, "core", "online")
    deliver()
    assert scans.run_scan(scan.pk) == ScanState.DONE
    assert labels(PEOPLE) == {("mail", "pii:email")}


def test_a_killed_scan_goes_on_behind_the_last_file_it_noted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scans, "NOTE_SECONDS", -1.0)
    files = {f"{n}.csv": f"mail\nann{n}@example.org\n".encode() for n in range(4)}
    world.publish(PEOPLE, files)
    scan = newest_scan(PEOPLE)
    read: list[str] = []
    real = blocks_of

    def killed_at_the_third(path: str, source: Any) -> Any:
        read.append(path)
        if len(read) == 3:
            raise KeyboardInterrupt
        return real(path, source)

    monkeypatch.setattr("transforms.services.scans.blocks_of", killed_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        scans.run_scan(scan.pk)
    scan.refresh_from_db()
    assert (scan.state, scan.files_done, scan.partial["after"]) == ("running", 2, "1.csv")
    assert scans.run_scan(scan.pk) is None, "its lease still holds"
    type(scan).objects.filter(pk=scan.pk).update(lease_until=scan.created_at)
    assert scans.sweep_scans() == 1
    assert scans.run_scan(scan.pk) == ScanState.DONE
    assert read == ["0.csv", "1.csv", "2.csv", "2.csv", "3.csv"]
    (column,) = result_of(PEOPLE)["columns"]
    assert (column["rows"], column["findings"][0]["matches"]) == (4, 4)


def test_a_worker_that_lost_its_lease_says_nothing(world: World) -> None:
    world.publish(PEOPLE, {"a.csv": b"mail\nann@example.org\n"})
    scan = newest_scan(PEOPLE)
    lease = scans._claim(scan.pk)
    assert lease is not None
    type(scan).objects.filter(pk=scan.pk).update(lease_until=scan.created_at)
    assert scans.run_scan(scan.pk) == ScanState.DONE
    assert not lease.write(state=ScanState.FAILED)
    assert newest_scan(PEOPLE).state == ScanState.DONE


@pytest.mark.parametrize("error", [OperationalError("no password for anna"), KeyError("anna")])
def test_what_stopped_a_scan_is_told_without_its_words(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    world.publish(PEOPLE, {"a.csv": b"mail\nann@example.org\n"})

    def broken(path: str, source: Any) -> Any:
        raise error

    monkeypatch.setattr("transforms.services.scans.blocks_of", broken)
    scans.run_scan(newest_scan(PEOPLE).pk)
    scan = newest_scan(PEOPLE)
    assert scan.state in {ScanState.WAITING, ScanState.FAILED}
    assert scan.reason
    assert "anna" not in scan.reason


def test_a_removed_version_is_no_reason_for_a_label(world: World) -> None:
    first = world.publish(PEOPLE, {"a.csv": b"mail\nann@example.org\n"})
    world.publish(PEOPLE, {"a.csv": b"mail\nnobody\n"})
    work()
    assert labels(PEOPLE) == {("mail", "pii:email")}, "the first version still has them"
    answer = world.ana.client().post(
        f"/api/v1/versions/{first.pk}/tombstone", {"reason": "out"}, "application/json"
    )
    assert answer.status_code == 200, answer.content
    work()
    assert labels(PEOPLE) == set()


def test_what_was_published_before_there_were_scans_is_scanned(world: World) -> None:
    world.publish(PEOPLE, {"a.csv": b"mail\nann@example.org\n"})
    newest_scan(PEOPLE).delete()
    assert scans.scan_unscanned() == 1
    assert scans.scan_unscanned() == 0
    work()
    assert labels(PEOPLE) == {("mail", "pii:email")}
