"""Landing pages show what policy lets the reader know of, in every format, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from catalog import services
from governance.models import AuditEntry
from tests.catalog.landing_mesh import SECRET, WIKI, Mesh, found_mesh, product, publish
from tests.kept import Kept

pytestmark = [pytest.mark.django_db, pytest.mark.urls("catalog.api.landing_urls")]
FORMATS = ["text/html", "application/ld+json", "application/json"]


def make_mesh(home: Path) -> Mesh:
    """Make a public product and one for its team alone, one from the other."""
    mesh = found_mesh()
    product(mesh, SECRET, title="Zanzibar", visibility="team")
    publish(mesh, SECRET)
    product(mesh)
    publish(mesh, inputs=[f"{SECRET}/v=1"])
    return mesh


KEPT = Kept(make_mesh)


@pytest.fixture
def mesh(tmp_path: Path) -> Mesh:
    return KEPT.put(tmp_path)


def told(response: Any) -> tuple[int, bytes, str, str]:
    """Return all that a reader can learn from an answer, but for the id of the request."""
    headers = {k: v for k, v in response.items() if k != "X-Request-Id"}
    return response.status_code, response.content, str(headers), response.get("Location", "")


@pytest.mark.parametrize("accept", FORMATS)
@pytest.mark.parametrize("who", ["", "ben"])
@pytest.mark.parametrize(
    "rest", ["", "/v=1", "/v=7", "/v=1/train/part-0000.parquet", "/latest", ".jsonld", "/v=1.json"]
)
def test_the_hidden_answers_as_the_absent(mesh: Mesh, rest: str, who: str, accept: str) -> None:
    assert mesh.get(f"/n{SECRET}", "ana", accept).status_code == 200
    hidden = mesh.get(f"/n{SECRET}{rest}", who, accept)
    assert hidden.status_code == 404
    absent = mesh.get(f"/n{SECRET.replace('zanzibar', 'zanzibat')}{rest}", who, accept)
    status, body, headers, to = told(absent)
    assert told(hidden) == (status, body.replace(b"zanzibat", b"zanzibar"), headers, to)


def test_an_old_name_of_a_hidden_product_does_not_tell_the_new_one(mesh: Mesh) -> None:
    secret = product(mesh, "/acme/nlp/~/plan", visibility="team")
    publish(mesh, "/acme/nlp/~/plan")
    services.move_product(mesh.ana, secret.pk, "/acme/~/takeover")
    for rest in ("", "/v=1", "/latest"):
        assert mesh.get(f"/n/acme/nlp/~/plan{rest}", "ana").status_code in {301, 307}
        for who in ("", "ben"):
            found = mesh.get(f"/n/acme/nlp/~/plan{rest}", who, "application/json")
            assert found.status_code == 404
            assert "takeover" not in str(told(found))


@pytest.mark.parametrize("accept", FORMATS)
def test_an_input_that_the_reader_may_not_know_of_is_not_named(mesh: Mesh, accept: str) -> None:
    assert b"zanzibar" in mesh.get(f"/n{WIKI}/v=1", "ana", accept).content
    found = mesh.get(f"/n{WIKI}/v=1", "ben", accept)
    assert found.status_code == 200
    assert "zanzibar" not in str(told(found))


def test_a_domain_lists_what_its_reader_may_know_of(mesh: Mesh) -> None:
    names = {
        who: [row["name"] for row in mesh.get("/n/acme/nlp.json", who).json()["products"]]
        for who in ("ana", "ben")
    }
    assert names == {"ana": [WIKI, SECRET], "ben": [WIKI]}
    assert mesh.get("/n/acme", "ben").status_code == 200
    unknown = mesh.get("/n/acme", accept="application/json")
    nowhere = mesh.get("/n/acne", accept="application/json")
    assert unknown.status_code == 404
    assert unknown.content == nowhere.content.replace(b"acne", b"acme")


def test_a_draft_has_no_page_even_for_its_writer(mesh: Mesh) -> None:
    draft = services.open_version(mesh.ana, WIKI)
    assert mesh.get(f"/n{WIKI}/v={draft.number}", "ana").status_code == 404


def test_a_refused_look_is_in_the_audit_log(mesh: Mesh) -> None:
    mesh.get(f"/n{SECRET}", "ben")
    entry = AuditEntry.objects.by("ben").get(name=SECRET)
    assert (entry.action, entry.allowed) == ("discover", False)


def test_a_wrong_token_is_refused_and_not_taken_for_nobody(mesh: Mesh) -> None:
    found = mesh.get(f"/n{WIKI}", accept="application/json", Authorization="Bearer fm_wrong")
    assert (found.status_code, found["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("accept", FORMATS)
def test_a_removed_version_answers_gone_with_its_facts_and_the_reason(
    mesh: Mesh, accept: str
) -> None:
    version = publish(mesh, paths=["a.parquet"])
    services.tombstone_version(mesh.ana, version.pk, reason="It held an address.")
    for rest in ("/v=2", "/v=2/a.parquet"):
        found = mesh.get(f"/n{WIKI}{rest}", accept=accept)
        assert found.status_code == 410
        body = found.content.decode()
        assert "CC-BY-SA-4.0" in body
        assert "a.parquet" not in body.replace(f"/n{WIKI}{rest}", "")
        if accept != "application/ld+json":
            assert version.digest in body
            assert "It held an address." in body
        assert "private" in found["Cache-Control"]
    assert mesh.get(f"/n{WIKI}/latest")["Location"].endswith("/v=1")
    version = publish(mesh, SECRET)
    services.tombstone_version(mesh.ana, version.pk, reason="Secret reason.")
    assert mesh.get(f"/n{SECRET}/v=2", "ben", accept).status_code == 404
