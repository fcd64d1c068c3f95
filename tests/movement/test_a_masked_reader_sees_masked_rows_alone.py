"""The stream of rows: filtered, masked and marked, in every format, for every way to ask."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
import zstandard

from core.errors import PolicyDenied
from governance.services import add_label, retire_policy, revoke_grant
from movement import rows as reading
from movement.engine import tables
from movement.engine.frames import json_lines
from tests.builders import World, body_of
from tests.movement.conftest import PATIENTS, WIKI
from tests.movement.masked import (
    GERMANS,
    HIDDEN,
    LONG,
    MASKS,
    ROWS,
    csv,
    jsonl,
    oblige,
    parquet,
    read_arrow,
)

FILES = {
    "a.csv": csv(),
    "b.parquet": parquet(),
    "c.jsonl": jsonl(),
    "d.csv.gz": gzip.compress(csv()),
    "e.jsonl.zst": zstandard.compress(jsonl()),
}


@pytest.fixture
def kept(folders: World) -> World:
    """Ben may read the patients masked, the Germans among them alone."""
    add_label(folders.carla.principal, name=PATIENTS, label="note:free", column="note")
    oblige(folders, mask=MASKS, rows=GERMANS, watermark="for Ben's eyes, ☂")
    return folders


def address(version: Any, path: str) -> str:
    return f"/api/v1/versions/{version.pk}/rows/{path}"


@pytest.mark.parametrize("path", sorted(FILES))
def test_every_format_is_filtered_and_then_masked(kept: World, path: str) -> None:
    version = kept.publish(PATIENTS, {path: FILES[path]})
    answer = kept.ben.client().get(address(version, path))
    assert answer.status_code == 200
    body = body_of(answer)
    with pa.ipc.open_stream(body) as reader:
        table = reader.read_all()
    assert [row["country"] for row in table.to_pylist()] == ["DE", "DE"]
    assert table.column("note").to_pylist() == ["•••", "•••"]
    assert table.column("birth").to_pylist() == ["1987", "2001"]
    assert table.column("age").to_pylist() == [30, 20]
    assert table.column("phone").to_pylist()[0] == "•••6789"
    first, second = table.column("email").to_pylist()
    assert first == second
    assert len(str(first)) == 64
    without_digests = str(table.drop_columns(["email"]).to_pylist())
    for hidden in HIDDEN:
        if not hidden.isdigit():
            assert hidden.encode() not in body
        elif len(hidden) > 2:
            assert hidden not in without_digests
    for number in LONG:
        assert number.encode() not in body


def test_the_stream_says_what_was_done(kept: World) -> None:
    version = kept.publish(PATIENTS, {"a.csv": csv()})
    answer = kept.ben.client().get(address(version, "a.csv"))
    assert answer["Content-Type"] == "application/vnd.apache.arrow.stream"
    assert answer["Fairmesh-Watermark"].startswith("principal=ben; at=")
    assert "text=for Ben%27s eyes%2C %E2%98%82" in answer["Fairmesh-Watermark"]
    with pa.ipc.open_stream(body_of(answer)) as reader:
        told = {key.decode(): value.decode() for key, value in reader.schema.metadata.items()}
    assert told["fairmesh.watermark"] == answer["Fairmesh-Watermark"]
    assert json.loads(told["fairmesh.masks"])["note"] == "redact"
    assert json.loads(told["fairmesh.policies"]) == ["kept"]
    assert told["fairmesh.policy-set"] == answer["Fairmesh-Policy-Set"]
    assert told["fairmesh.version"] == version.name
    assert told["fairmesh.rows-filtered"] == "true"


def test_json_lines_hold_the_same(kept: World) -> None:
    version = kept.publish(PATIENTS, {"b.parquet": parquet()})
    client = kept.ben.client()
    answer = client.get(address(version, "b.parquet"), headers={"Accept": "application/jsonl"})
    lines = [json.loads(line) for line in body_of(answer).splitlines()]
    assert lines == read_arrow(client, address(version, "b.parquet")).to_pylist()
    assert answer["Fairmesh-Watermark"]


def test_a_name_stands_for_all_tables_of_a_version(kept: World) -> None:
    kept.publish(PATIENTS, {"a.csv": csv(), "b.csv": csv(), "readme.md": b"secret-ada\n"})
    client = kept.ben.client()
    assert read_arrow(client, "/api/v1/rows", name=PATIENTS).num_rows == 4
    assert read_arrow(client, "/api/v1/rows", name=f"{PATIENTS}/v=1").num_rows == 4
    assert read_arrow(client, "/api/v1/rows", name=f"{PATIENTS}/v=1/b.csv").num_rows == 2
    answer = client.get("/api/v1/rows", {"name": f"{PATIENTS}/v=1/readme.md"})
    assert answer.json()["code"] == "obligation_unmet"
    assert b"secret" not in body_of(answer)


def test_without_obligations_rows_are_as_they_are(folders: World) -> None:
    version = folders.publish(WIKI, {"b.parquet": parquet(), "c.csv": csv(), "x.bin": b"\0"})
    client = folders.ben.client()
    assert read_arrow(client, address(version, "b.parquet")).to_pylist() == ROWS
    columns = read_arrow(client, address(version, "c.csv"), columns="age,country", limit=2)
    assert columns.to_pylist() == [{"age": 38, "country": "DE"}, {"age": 35, "country": "FR"}]
    assert client.get(address(version, "x.bin")).status_code == 422
    assert client.get(address(version, "absent.csv")).status_code == 404
    unknown = client.get(address(version, "c.csv"), {"columns": "absent"})
    assert (unknown.status_code, unknown.json()["columns"][0]) == (422, "email")


def test_wishes_come_after_masks(kept: World) -> None:
    """Columns and a limit are taken from what is left, so neither can ask about what is not."""
    version = kept.publish(PATIENTS, {"b.parquet": parquet()})
    client, path = kept.ben.client(), address(version, "b.parquet")
    emails = read_arrow(client, path, columns="email,note").to_pylist()
    assert [set(row) for row in emails] == [{"email", "note"}] * 2
    assert emails == read_arrow(client, path).select(["email", "note"]).to_pylist()
    assert read_arrow(client, path, columns="note", limit=1).to_pylist() == [{"note": "•••"}]
    assert read_arrow(client, path, limit=0).num_rows == 0
    for oracle in ("where", "filter", "order_by", "sort", "q"):
        same = read_arrow(client, path, **{oracle: "note = 'secret-ada'"})
        assert same.to_pylist() == read_arrow(client, path).to_pylist()


def test_hashes_join_within_one_product_and_purpose_alone(folders: World) -> None:
    for name in (PATIENTS, WIKI):
        oblige(folders, name=name, slug=f"kept-{name[-4:]}", mask="email=hash")
        folders.publish(name, {"a.csv": csv(), "b.jsonl": jsonl()})
    client = folders.ben.client()

    def emails(name: str, path: str, purpose: str) -> list[str]:
        asked = {"name": f"{name}/v=1/{path}", "purpose": purpose, "columns": "email"}
        return [str(v) for v in read_arrow(client, "/api/v1/rows", **asked)["email"].to_pylist()]

    there = emails(PATIENTS, "a.csv", "analytics")
    assert there == emails(PATIENTS, "b.jsonl", "analytics")
    assert not set(there) & set(emails(PATIENTS, "a.csv", "evaluation"))
    assert not set(there) & set(emails(WIKI, "a.csv", "analytics"))


def test_a_purpose_that_is_not_admitted_is_told_which_are(folders: World) -> None:
    version = folders.publish(PATIENTS, {"a.csv": csv()})
    oblige(folders, purpose="analytics, evaluation")
    client = folders.ben.client()
    ways = [
        address(version, "a.csv"),
        f"/api/v1/versions/{version.pk}/content/a.csv",
        f"/api/v1/versions/{version.pk}/preview",
    ]
    for way in ways:
        for query in ({}, {"purpose": "model-training"}):
            answer = client.get(way, query)
            assert answer.status_code == 403
            assert answer.json()["code"] == "purpose_required"
            assert answer.json()["purposes"] == ["analytics", "evaluation"]
            assert "purpose=analytics" in answer.json()["detail"]
        assert client.get(way, {"purpose": "evaluation"}).status_code == 200
    assert client.get("/api/v1/resolve", {"name": PATIENTS}).json()["code"] == "purpose_required"


@pytest.mark.parametrize(
    ("notes", "why"),
    [
        ({"rows": 'resource.land == "DE"'}, "is not in the file"),
        ({"rows": "resource.country == 7"}, "has to be a whole number"),
        ({"mask": "[pii:email]=hash"}, "A steward must say which column"),
        ({"mask": "[pii:*]=hash"}, "A steward must say which column"),
    ],
)
def test_what_cannot_be_met_is_refused(folders: World, notes: dict[str, str], why: str) -> None:
    folders.add_label(PATIENTS, "pii:email")
    version = folders.publish(PATIENTS, {"a.csv": csv()})
    oblige(folders, **notes)
    client = folders.ben.client()
    for way in (address(version, "a.csv"), f"/api/v1/versions/{version.pk}/preview"):
        answer = client.get(way)
        assert (answer.status_code, answer.json()["code"]) == (403, "obligation_unmet")
        assert why in answer.json()["detail"]
    carla = folders.carla.principal
    if "mask" in notes:
        add_label(carla, name=PATIENTS, label="pii:email", column="email")
        assert len(read_arrow(client, address(version, "a.csv"))["email"][0].as_py()) == 64


def test_bad_data_is_told_without_quoting_it(kept: World, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = csv(ROWS * 8_000) + b"a@x.org,1,1987-05-17,secret-age,DE,x\n"
    version = kept.publish(PATIENTS, {"a.csv": bad, "b.jsonl": b'{"email": "ada@x"\n'})
    client = kept.ben.client()
    for path in ("a.csv", "b.jsonl"):
        answer = client.get(address(version, path))
        assert answer.status_code == 422
        assert b"ada" not in body_of(answer)
        assert b"secret" not in body_of(answer)
    monkeypatch.setattr(tables, "_BLOCK_BYTES", 64 * 1024)
    answer = client.get(address(version, "a.csv"))
    with pytest.raises(Exception, match="cannot be read as a table") as failed:
        body_of(answer)
    assert failed.value.__cause__ is None
    assert "secret" not in str(failed.value)


@pytest.mark.parametrize("change", ["grant", "mask", "label", "removed"])
def test_a_change_ends_a_stream_that_goes_on(
    folders: World, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    monkeypatch.setattr(reading, "RECHECK_SECONDS", 0.0)
    version = folders.publish(PATIENTS, {f"{n}.csv": csv() for n in range(4)})
    grant = folders.grant(folders.ben, PATIENTS)
    policy = oblige(folders, mask="[note:free]=null; email=hash")
    if change == "grant":
        retire_policy(folders.operator.principal, policy.pk)
    answer: Any = folders.ben.client().get("/api/v1/rows", {"name": PATIENTS})
    pieces = iter(answer.streaming_content)
    begun = next(pieces) + next(pieces)
    carla = folders.carla
    if change == "grant":
        revoke_grant(carla.principal, grant.pk)
    elif change == "mask":
        oblige(folders, mask="[note:free]=null; email=null")
    elif change == "label":
        add_label(carla.principal, name=PATIENTS, label="note:free", column="note")
    else:
        path = f"/api/v1/versions/{version.pk}/tombstone"
        carla.client().post(path, {"reason": "wrong"}, content_type="application/json")
    rest: list[bytes] = []
    with pytest.raises(Exception, match=r"changed|removed"):
        rest.extend(pieces)
    with pytest.raises(pa.ArrowInvalid), pa.ipc.open_stream(begun + b"".join(rest)) as cut:
        cut.read_all()


def test_a_cut_is_told_in_json_lines_by_a_line_that_is_none() -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"a": [1]})
        raise PolicyDenied("No more.")

    pieces: list[bytes] = []
    with pytest.raises(PolicyDenied):
        pieces.extend(json_lines(batches()))
    assert pieces == [b'{"a": 1}\n', b"!! cut off: No more.\n"]
