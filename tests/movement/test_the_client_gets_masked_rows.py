"""The client over HTTP: rows instead of bytes, told in words, and a stream that is cut is seen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from fairmesh import Client
from fairmesh.cli import app
from fairmesh.config import Config
from fairmesh.errors import Denied, NotFound, Unavailable
from typer.testing import CliRunner

from movement import rows as reading
from tests.builders import World
from tests.movement.conftest import PATIENTS, WIKI
from tests.movement.masked import GERMANS, ROWS, csv, oblige, parquet

MASKS = "email=hash; note=redact"


@pytest.fixture
def ben(live_server: Any, folders: World, tmp_path: Path) -> Iterator[Client]:
    oblige(folders, mask=MASKS, rows=GERMANS)
    with Client(live_server.url, folders.ben.token, Config(tmp_path / "c" / "c.json")) as client:
        yield client


def test_rows_come_as_a_reader_of_batches(ben: Client, folders: World) -> None:
    folders.publish(PATIENTS, {"b.parquet": parquet()})
    reader = ben.rows(PATIENTS, columns=["note", "age"], limit=1)
    assert json.loads(reader.schema.metadata[b"fairmesh.masks"]) == {"note": "redact"}
    assert reader.read_all().to_pylist() == [{"note": "•••", "age": 38}]
    folders.publish(WIKI, {"b.parquet": parquet()})
    assert ben.rows(WIKI).read_all().to_pylist() == ROWS
    with pytest.raises(NotFound):
        ben.rows(f"{PATIENTS}/v=1/absent")


def test_get_brings_arrow_files_and_says_what_was_masked(
    ben: Client, folders: World, live_server: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    folders.publish(PATIENTS, {"in/a.csv": csv(), "b.parquet": parquet(), "t.txt": b"secret"})
    with pytest.raises(Denied) as refused:
        ben.get(PATIENTS, tmp_path / "raw")
    assert refused.value.code == "obligation_applies"
    monkeypatch.setenv("FAIRMESH_URL", live_server.url)
    monkeypatch.setenv("FAIRMESH_TOKEN", folders.ben.token)
    monkeypatch.setenv("FAIRMESH_CONFIG", str(tmp_path / "c" / "c.json"))
    out = tmp_path / "out"
    ran = CliRunner().invoke(app, ["get", PATIENTS, str(out)])
    assert ran.exit_code == 0, ran.output
    told = " ".join(ran.output.split())
    assert "email as hash, note as redact; some rows only" in told
    assert "left out, being no tables: t.txt" in told
    files = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    assert files == ["b.parquet.arrow", "in/a.csv.arrow"]
    for file in files:
        with pa.ipc.open_stream((out / file).read_bytes()) as reader:
            assert reader.read_all().column("note").to_pylist() == ["•••", "•••"]
    again = CliRunner().invoke(app, ["get", PATIENTS, str(out), "--json"])
    assert json.loads(again.stdout)["how"] == "stream"


def test_a_stream_that_is_cut_is_no_shorter_table(
    ben: Client, folders: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "RECHECK_SECONDS", 0.0)
    monkeypatch.setattr(reading, "record_read", lambda *_: oblige(folders, mask="email=null"))
    folders.publish(PATIENTS, {"a.csv": csv(), "b.csv": csv()})
    with pytest.raises((Unavailable, pa.ArrowException, OSError)) as cut:
        ben.rows(PATIENTS).read_all()
    assert "broke off" in str(cut.value)
    oblige(folders, mask=MASKS)
    with pytest.raises(Unavailable):
        ben.get_rows(PATIENTS, tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*.arrow*"))
