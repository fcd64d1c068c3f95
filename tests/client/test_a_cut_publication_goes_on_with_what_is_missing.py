"""Publishing: announced length and digest, and no file sent twice after a failure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fairmesh.client import Client
from fairmesh.config import Config
from fairmesh.errors import Conflict, Invalid, NotFound, UsageError

NAME = "/acme/nlp/~/wiki"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "ä b.txt").write_bytes(b"one")
    (folder / "z.bin").write_bytes(b"two" * 700_000)
    return folder


@pytest.fixture
def client(tiny_mesh: Any, tmp_path: Path) -> Any:
    def take(handler: Any) -> Any:
        return 201, {"path": "x", "sha256": hashlib.sha256(handler.body).hexdigest()}

    tiny_mesh.answers["POST /api/v1/versions"] = (201, {"id": "7"})
    tiny_mesh.answers["GET /api/v1/versions/7"] = (200, {"id": "7", "state": "draft"})
    tiny_mesh.answers["PUT /api/v1/versions/7/files/deep/%C3%A4%20b.txt"] = take
    tiny_mesh.answers["PUT /api/v1/versions/7/files/z.bin"] = take
    tiny_mesh.answers["POST /api/v1/versions/7/publish"] = (200, {"name": f"{NAME}/v=1"})
    with Client(tiny_mesh.url, "fm_x", Config(tmp_path / "own" / "config.json")) as client:
        yield client


def _sent(tiny_mesh: Any) -> list[str]:
    return [path.rsplit("/", 1)[1] for method, path, _ in tiny_mesh.asked if method == "PUT"]


def test_every_file_is_sent_with_its_length_and_digest(
    client: Client, tiny_mesh: Any, source: Path
) -> None:
    assert client.publish(NAME, [source], store="store-eu")["name"] == f"{NAME}/v=1"
    (headers,) = [headers for _, path, headers in tiny_mesh.asked if path.endswith("z.bin")]
    digest = base64.b64encode(hashlib.sha256(b"two" * 700_000).digest()).decode()
    assert headers["Content-Length"] == "2100000"
    assert headers["Content-Digest"] == f"sha-256=:{digest}:"
    assert headers["X-Fairmesh-Store"] == "store-eu"


def test_after_a_cut_only_what_is_missing_is_sent(
    client: Client, tiny_mesh: Any, source: Path
) -> None:
    whole = tiny_mesh.answers["PUT /api/v1/versions/7/files/z.bin"]
    tiny_mesh.answers["PUT /api/v1/versions/7/files/z.bin"] = (422, {"code": "x", "detail": "no"})
    with pytest.raises(Invalid):
        client.publish(NAME, [source])
    tiny_mesh.answers["PUT /api/v1/versions/7/files/z.bin"] = whole
    tiny_mesh.asked.clear()
    client.publish(NAME, [source])
    assert _sent(tiny_mesh) == ["z.bin"]
    assert ("POST", "/api/v1/versions") not in {(m, p) for m, p, _ in tiny_mesh.asked}
    tiny_mesh.asked.clear()
    client.publish(NAME, [source])  # the next publication is a new version
    assert len(_sent(tiny_mesh)) == 2


def test_a_draft_with_a_file_that_is_no_longer_wanted_is_not_gone_on_with(
    client: Client, tiny_mesh: Any, source: Path
) -> None:
    tiny_mesh.answers["POST /api/v1/versions/7/publish"] = (409, {"code": "c", "detail": "no"})
    with pytest.raises(Conflict):
        client.publish(NAME, [source])
    (source / "z.bin").unlink()
    tiny_mesh.asked.clear()
    with pytest.raises(Conflict):
        client.publish(NAME, [source])
    assert ("POST", "/api/v1/versions") in {(m, p) for m, p, _ in tiny_mesh.asked}


def test_a_publication_whose_answer_was_lost_is_not_made_twice(
    client: Client, tiny_mesh: Any, source: Path
) -> None:
    published = tiny_mesh.answers.pop("POST /api/v1/versions/7/publish")
    with pytest.raises(NotFound):
        client.publish(NAME, [source])
    tiny_mesh.answers["GET /api/v1/versions/7"] = (200, {"id": "7", "state": "published"})
    tiny_mesh.answers["POST /api/v1/versions/7/publish"] = published
    tiny_mesh.asked.clear()
    assert client.publish(NAME, [source])["name"] == f"{NAME}/v=1"
    assert _sent(tiny_mesh) == []
    assert ("POST", "/api/v1/versions") not in {(m, p) for m, p, _ in tiny_mesh.asked}


def test_bytes_that_change_while_they_are_sent_are_not_published(
    client: Client, tiny_mesh: Any, source: Path
) -> None:
    tiny_mesh.answers["PUT /api/v1/versions/7/files/z.bin"] = (201, {"sha256": "0" * 64})
    with pytest.raises(Conflict, match="changed while"):
        client.publish(NAME, [source])
    assert not any(path.endswith("/publish") for _, path, _ in tiny_mesh.asked)


def test_an_unavailable_platform_is_asked_again(
    client: Client, tiny_mesh: Any, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fairmesh.transport.RETRY_DELAYS", (0.0, 0.0))
    good: Callable[[Any], Any] = tiny_mesh.answers["PUT /api/v1/versions/7/files/z.bin"]
    answers = iter([(503, {"code": "too_busy", "detail": "busy"})])
    tiny_mesh.answers["PUT /api/v1/versions/7/files/z.bin"] = lambda handler: (
        next(answers, None) or good(handler)
    )
    client.publish(NAME, [source])
    assert sorted(_sent(tiny_mesh)) == ["%C3%A4%20b.txt", "z.bin", "z.bin"]


def test_nothing_to_publish_and_two_files_at_one_path_are_refused(
    client: Client, source: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "z.bin").write_bytes(b"other")
    for paths in [[tmp_path / "empty"], [tmp_path / "absent"], [source, tmp_path / "z.bin"]]:
        with pytest.raises(UsageError):
            client.publish(NAME, paths)
