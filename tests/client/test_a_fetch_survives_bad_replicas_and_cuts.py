"""Fetching: the next replica when one fails, the rest after a cut, and never a wrong byte."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fairmesh.client import Client
from fairmesh.config import Config
from fairmesh.errors import FairmeshError, Unavailable, UsageError, VerificationFailed

NAME = "/acme/nlp/~/wiki"


@pytest.fixture
def client(tiny_mesh: Any, sealed: Any, tmp_path: Path) -> Any:
    tiny_mesh.serve(sealed)
    with Client(tiny_mesh.url, "fm_x", Config(tmp_path / "own" / "config.json")) as client:
        yield client


def _urls(tiny_mesh: Any, path: str, *urls: str) -> None:
    rows = tiny_mesh.answers["GET /api/v1/resolve"][1]["results"]
    next(row for row in rows if row["path"] == path)["urls"] = list(urls)


def test_a_fetch_lands_verified_and_a_second_one_moves_nothing(
    client: Client, sealed: Any, tmp_path: Path
) -> None:
    first = client.get(NAME, tmp_path / "out", purpose="analytics", site="edge-pt")
    assert first.report.ok
    assert first.bytes_moved == sum(map(len, sealed.files.values()))
    assert (tmp_path / "out" / "läsmich.txt").read_bytes() == sealed.files["läsmich.txt"]
    second = client.get(NAME, tmp_path / "out")
    assert (second.bytes_moved, second.report.digest) == (0, sealed.digest)
    assert not list((tmp_path / "out" / ".fairmesh" / "partial").iterdir())


def test_the_next_replica_takes_over_from_one_that_lies_or_fails(
    client: Client, tiny_mesh: Any, sealed: Any, tmp_path: Path
) -> None:
    path = "train/a.jsonl"
    good = f"{tiny_mesh.url}/bytes/{path}"
    data = sealed.files[path]
    tiny_mesh.answers["GET /lies"] = (200, data[:-1] + b"x")
    tiny_mesh.answers["GET /long"] = (200, data + b"more")
    tiny_mesh.answers["GET /short"] = (200, data[:100])
    tiny_mesh.answers["GET /fails"] = (500, b"")
    bad = [f"{tiny_mesh.url}/{name}" for name in ("fails", "lies", "long", "short")]
    _urls(tiny_mesh, path, "http://127.0.0.1:9/nobody", *bad, good)
    assert client.get(NAME, tmp_path / "out").report.ok
    ranges = [
        headers.get("Range") for _, asked, headers in tiny_mesh.asked if asked == f"/bytes/{path}"
    ]
    assert ranges == ["bytes=100-"]  # what the cut replica gave was kept


def test_a_wrong_beginning_does_not_spoil_what_a_good_replica_sends(
    client: Client, tiny_mesh: Any, sealed: Any, tmp_path: Path
) -> None:
    path = "train/a.jsonl"
    data = sealed.files[path]
    tiny_mesh.answers["GET /lies-and-is-cut"] = (200, b"x" * 100)
    good = f"{tiny_mesh.url}/bytes/{path}"
    _urls(tiny_mesh, path, f"{tiny_mesh.url}/lies-and-is-cut", good)
    fetched = client.get(NAME, tmp_path / "out")
    assert (tmp_path / "out" / path).read_bytes() == data
    whole = sum(map(len, sealed.files.values()))
    assert fetched.bytes_moved == whole + 100 + (len(data) - 100)
    asked = [(url, headers.get("Range")) for _, url, headers in tiny_mesh.asked if "bytes/" in url]
    assert [ranged for url, ranged in asked if url.endswith(path)] == ["bytes=100-", None]


def test_when_every_replica_lies_nothing_is_put_in_place(
    client: Client, tiny_mesh: Any, sealed: Any, tmp_path: Path
) -> None:
    path = "train/b.jsonl"
    tiny_mesh.answers["GET /bytes/train/b.jsonl"] = (200, sealed.files[path][::-1])
    with pytest.raises(VerificationFailed, match="not what was sealed"):
        client.get(NAME, tmp_path / "out")
    assert not (tmp_path / "out" / path).exists()


def test_when_no_replica_answers_it_is_unavailable(
    client: Client, tiny_mesh: Any, tmp_path: Path
) -> None:
    _urls(tiny_mesh, "empty", "http://127.0.0.1:9/nobody")
    with pytest.raises(Unavailable, match="broke off"):
        client.get(NAME, tmp_path / "out")


def test_a_cut_download_goes_on_where_it_ended(
    client: Client, tiny_mesh: Any, sealed: Any, tmp_path: Path
) -> None:
    path = "train/a.jsonl"
    data = sealed.files[path]
    key = hashlib.sha256(path.encode()).hexdigest()
    partial = tmp_path / "out" / ".fairmesh" / "partial"
    partial.mkdir(parents=True)
    digest = hashlib.sha256(data).hexdigest()
    (partial / f"{key}-{digest[:16]}").write_bytes(data[:250])
    fetched = client.get(NAME, tmp_path / "out")
    assert fetched.bytes_moved == sum(map(len, sealed.files.values())) - 250


def test_the_token_goes_to_the_mesh_and_nowhere_else(
    client: Client, tiny_mesh: Any, tmp_path: Path
) -> None:
    elsewhere = tiny_mesh.url.replace("127.0.0.1", "localhost")
    for row in tiny_mesh.answers["GET /api/v1/resolve"][1]["results"]:
        row["urls"] = [url.replace(tiny_mesh.url, elsewhere) for url in row["urls"]]
    client.get(NAME, tmp_path / "out")
    for _, asked, headers in tiny_mesh.asked:
        assert ("Authorization" in headers) == (not asked.startswith("/bytes/")), asked


def test_a_manifest_that_leads_out_of_the_folder_writes_nothing(
    tiny_mesh: Any, seal: Callable[..., Any], tmp_path: Path
) -> None:
    for index, path in enumerate(["../out", "/etc/x", "a/../../b", ".fairmesh/seal.json", "a//b"]):
        tiny_mesh.serve(seal(files={path: b"evil"}))
        with (
            Client(tiny_mesh.url, "", Config(tmp_path / str(index) / "c.json")) as client,
            pytest.raises(VerificationFailed),
        ):
            client.get(NAME, tmp_path / str(index) / "in")
        assert not (tmp_path / str(index) / "in").exists()


def test_a_link_in_the_folder_does_not_lead_out(client: Client, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "out" / ".fairmesh").mkdir(parents=True)
    (tmp_path / "out" / "train").symlink_to(outside)
    with pytest.raises(FairmeshError, match="leads out"):
        client.get(NAME, tmp_path / "out")
    assert list(outside.iterdir()) == []


def test_a_folder_with_other_things_in_it_is_left_alone(client: Client, tmp_path: Path) -> None:
    (tmp_path / "own-file").write_text("mine")
    with pytest.raises(UsageError, match="other things"):
        client.get(NAME, tmp_path)


def test_an_older_version_with_a_good_seal_is_refused(
    client: Client, tiny_mesh: Any, tmp_path: Path
) -> None:
    tiny_mesh.answers["GET /api/v1/resolve"][1]["name"] = f"{NAME}/v=4"
    with pytest.raises(VerificationFailed, match="v=3, not of"):
        client.get(NAME, tmp_path / "out")


def test_one_file_is_fetched_alone(client: Client, tiny_mesh: Any, tmp_path: Path) -> None:
    answer = tiny_mesh.answers["GET /api/v1/resolve"][1]
    answer["results"] = [row for row in answer["results"] if row["path"] == "train/b.jsonl"]
    fetched = client.get(f"{NAME}/v=3/train/b.jsonl", tmp_path / "out")
    assert fetched.report.files == 1
    assert not (tmp_path / "out" / "train" / "a.jsonl").exists()
