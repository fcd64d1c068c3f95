"""Publishing over HTTP: what is wrong is refused and leaves nothing, what is repeated acts once."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from typing import Any

import pytest
from django.test import Client

from catalog.models import Version
from movement.models import Replica, Store
from movement.opening import open_store
from tests.builders import World
from tests.movement.conftest import PATIENTS, WIKI

CSV = b"x,y\n1,2\n3,4\n"


def digest_of(data: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


def put(
    client: Client,
    version: str,
    path: str,
    data: bytes,
    headers: dict[str, str] | None = None,
    more: int = 0,
) -> Any:
    """Send a raw body, of which `more` bytes are announced than come."""
    extra: dict[str, Any] = {
        "CONTENT_LENGTH": str(len(data) + more),
        "wsgi.input": io.BytesIO(data),
    }
    return client.generic(
        "PUT", f"/api/v1/versions/{version}/files/{path}", headers=headers, **extra
    )


def post(client: Client, path: str, body: dict[str, Any] | None = None, **headers: str) -> Any:
    return client.post(
        f"/api/v1/{path}", json.dumps(body or {}), "application/json", headers=headers
    )


@pytest.fixture
def ana(folders: World) -> Client:
    return folders.ana.client()


@pytest.fixture
def draft(ana: Client) -> str:
    return str(post(ana, "versions", {"product": WIKI}).json()["id"])


def stored(name: str = "dir-eu") -> list[str]:
    return [info.key for info in open_store(Store.objects.get(name=name)).list()]


def test_a_file_is_streamed_in_hashed_and_published(ana: Client, draft: str, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    answer = put(ana, draft, "train/%C3%A9.csv", CSV, {"Content-Digest": digest_of(CSV)})
    assert answer.status_code == 200, answer.content
    assert answer.json() == {
        "path": "train/é.csv",
        "bytes": len(CSV),
        "sha256": hashlib.sha256(CSV).hexdigest(),
        "media_type": "text/csv",
        "rows": 2,
    }
    published = post(ana, f"versions/{draft}/publish").json()
    assert (published["state"], published["files"], published["rows"]) == ("published", 1, 2)
    assert [column["name"] for column in published["schema"]] == ["x", "y"]
    assert ana.get(f"/api/v1/versions/{draft}").json()["digest"] == published["digest"]
    assert stored() == ["acme/nlp/~/wiki/v=1/train/é.csv"]


def test_another_digest_than_announced_keeps_nothing(ana: Client, draft: str) -> None:
    answer = put(ana, draft, "a.csv", CSV, {"Content-Digest": digest_of(b"other")})
    assert (answer.status_code, answer.json()["code"]) == (422, "digest_mismatch")
    assert stored() == []
    assert post(ana, f"versions/{draft}/publish").json()["code"] == "invalid"


def test_a_body_that_is_cut_keeps_nothing(ana: Client, draft: str) -> None:
    answer = put(ana, draft, "a.csv", CSV, more=1)
    assert (answer.status_code, answer.json()["code"]) == (400, "upload_incomplete")
    assert answer.json()["received"] == len(CSV)
    assert stored() == []
    assert put(ana, draft, "a.csv", CSV).status_code == 200


@pytest.mark.parametrize("header", ["sha-256=abc", "sha-256=:####:", "sha-256=:YWJj:"])
def test_a_digest_that_cannot_be_read_is_refused(ana: Client, draft: str, header: str) -> None:
    answer = put(ana, draft, "a.csv", CSV, {"Content-Digest": header})
    assert answer.status_code == 422
    assert stored() == []


@pytest.mark.parametrize("path", [".fairmesh/seal.json", "a//b", "a/../b"])
def test_a_path_that_no_file_may_have_is_refused(ana: Client, draft: str, path: str) -> None:
    assert put(ana, draft, path, CSV).status_code in {404, 422}
    assert stored() == []


def test_a_body_without_a_length_is_refused(ana: Client, draft: str) -> None:
    no_length: dict[str, Any] = {"CONTENT_LENGTH": ""}
    answer = ana.generic("PUT", f"/api/v1/versions/{draft}/files/a", **no_length)
    assert answer.status_code == 422


def test_publishing_twice_is_publishing_once(ana: Client, draft: str) -> None:
    put(ana, draft, "a.csv", CSV)
    first = post(ana, f"versions/{draft}/publish", {}, **{"Idempotency-Key": "one"})
    again = post(ana, f"versions/{draft}/publish", {}, **{"Idempotency-Key": "two"})
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert Version.objects.count() == 1
    assert put(ana, draft, "b.csv", CSV).status_code == 409
    assert stored() == ["acme/nlp/~/wiki/v=1/a.csv"]


def test_the_seal_is_written_beside_the_bytes(
    ana: Client, draft: str, django_capture_on_commit_callbacks: Any
) -> None:
    put(ana, draft, "a.csv", CSV)
    with django_capture_on_commit_callbacks(execute=True):
        post(ana, f"versions/{draft}/publish")
    kept = [key.partition("v=1/")[2] for key in stored()]
    assert ".fairmesh/seal.json" in kept
    assert ".fairmesh/delegations.json" in kept
    assert any(key.startswith(".fairmesh/manifest/") for key in kept)


def test_a_draft_is_given_up_with_its_bytes(ana: Client, draft: str) -> None:
    put(ana, draft, "a.csv", CSV)
    assert ana.delete(f"/api/v1/versions/{draft}").status_code == 204
    assert ana.get(f"/api/v1/versions/{draft}").status_code == 404
    assert stored() == []


def test_objects_are_registered_where_they_lie(ana: Client, draft: str, folders: World) -> None:
    landing = folders.home / "stores" / "dir-pt" / "landing" / "gap"
    landing.mkdir(parents=True)
    (landing / "a.csv").write_bytes(CSV)
    (landing / "b.csv").write_bytes(CSV)
    body = {"store": "dir-pt", "prefix": "landing/gap/"}
    for _ in range(2):
        answer = post(ana, f"versions/{draft}/register", body)
        assert answer.json() == {"files": 2, "bytes": 2 * len(CSV)}
    assert post(ana, f"versions/{draft}/publish").json()["rows"] == 4
    home = Replica.objects.get()
    assert (home.base, home.origin, home.store.name) == ("landing/gap/", "registered", "dir-pt")
    assert stored("dir-pt") == ["landing/gap/a.csv", "landing/gap/b.csv"]
    empty = post(ana, "versions", {"product": WIKI}).json()["id"]
    nothing = post(ana, f"versions/{empty}/register", {**body, "prefix": "nowhere"})
    assert nothing.status_code == 404


def test_only_who_may_write_uploads(folders: World, draft: str) -> None:
    for person in (folders.ben, folders.operator):
        assert put(person.client(), draft, "a.csv", CSV).status_code == 404
    folders.add_product("/acme/nlp/~/secret", visibility="team")
    hidden = post(folders.ana.client(), "versions", {"product": "/acme/nlp/~/secret"}).json()["id"]
    assert put(folders.ben.client(), hidden, "a.csv", CSV).status_code == 404
    assert put(Client(), draft, "a.csv", CSV).status_code == 404
    assert stored() == []


def test_bytes_go_to_a_store_where_policies_let_them_lie(folders: World) -> None:
    folders.add_protection("eu-only", "{residency: [EU]}", "/acme/health")
    carla = folders.carla.client()
    draft = post(carla, "versions", {"product": PATIENTS}).json()["id"]
    answer = put(carla, draft, "a.csv", CSV, {"X-Fairmesh-Store": "dir-us"})
    assert (answer.status_code, answer.json()["code"]) == (403, "policy_denied")
    assert stored("dir-us") == []
    assert put(carla, draft, "a.csv", CSV).status_code == 200
    assert Replica.objects.get().store.name == "dir-eu"
