"""ARKs lead to names, links to everything around, and the trust document verifies the seals."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.conf import settings
from django.urls import resolve
from fairmesh.seal import Anchor

from catalog import services
from catalog.api import landing
from core.seal import verify_header
from tests.catalog.landing_mesh import SECRET, WIKI, Mesh, found_mesh, product, publish

pytestmark = [pytest.mark.django_db, pytest.mark.urls("catalog.api.landing_urls")]
TRUST = "/.well-known/fairmesh/trust.json"


@pytest.fixture
def mesh() -> Mesh:
    return found_mesh()


def links(response: Any) -> list[tuple[str, str]]:
    """Read the header as simple clients do: cut at commas."""
    found = []
    for part in response["Link"].split(","):
        match = re.fullmatch(r'\s*<([^<>,]+)>; rel="([a-z-]+)"(; type="[^",]+")?', part)
        assert match, part
        found.append((match[2], match[1]))
    return found


def test_an_ark_leads_to_the_product_or_its_version(mesh: Mesh) -> None:
    ark = product(mesh).ark
    publish(mesh)
    hyphened = f"{ark[:4]}-{ark[4:]}"
    for start in ("/ark:/99999/", "/ark:99999/"):
        for opaque, to in ((ark, WIKI), (hyphened, WIKI), (f"{ark}.v1", f"{WIKI}/v=1")):
            found = mesh.get(start + opaque)
            assert (found.status_code, found["Location"]) == (302, f"/n{to}")


def test_an_ark_follows_a_product_that_moves(mesh: Mesh) -> None:
    moved = product(mesh)
    services.move_product(mesh.ana, moved.pk, "/acme/~/encyclopedia")
    assert mesh.get(f"/ark:/99999/{moved.ark}")["Location"] == "/n/acme/~/encyclopedia"


def test_an_unknown_ark_a_hidden_one_and_a_strangers_answer_alike(mesh: Mesh) -> None:
    public, hidden = product(mesh), product(mesh, SECRET, visibility="team")
    publish(mesh, SECRET)
    secret, stranger = f"99999/{hidden.ark}", f"12345/{public.ark}"
    asked = [secret, f"{secret}.v1", "99999/nothing", stranger, f"99999/{public.ark}.v1"]
    for ark in asked:
        found = mesh.get(f"/ark:/{ark}", accept="application/json")
        assert found.status_code == 404
        assert found.json()["detail"] == f"There is no ark:/{ark}, or you may not know of it."
    assert mesh.get(f"/ark:/99999/{hidden.ark}", "ana").status_code == 302


def test_the_links_of_a_version_can_be_read_and_lead_somewhere(mesh: Mesh) -> None:
    ark = product(mesh, license="MIT OR Apache-2.0").ark
    for _ in range(3):
        publish(mesh, paths=["a,b c.parquet", *(f"p{n:02}" for n in range(40))])
    found = links(mesh.get(f"/n{WIKI}/v=2"))
    here = settings.FAIRMESH.public_url
    by_relation = {
        relation: [url for rel, url in found if rel == relation] for relation, _ in found
    }
    assert by_relation["cite-as"] == [f"{here}/ark:/99999/{ark}.v2"]
    assert by_relation["type"] == ["https://schema.org/AboutPage", "https://schema.org/Dataset"]
    assert by_relation["author"] == [f"{here}/n/acme/nlp"]
    assert by_relation["license"] == [
        "https://spdx.org/licenses/MIT", "https://spdx.org/licenses/Apache-2.0",
    ]  # fmt: skip
    assert by_relation["predecessor-version"] == [f"{here}/n{WIKI}/v=1"]
    assert by_relation["successor-version"] == [f"{here}/n{WIKI}/v=3"]
    assert len(by_relation["item"]) == 10
    assert by_relation["item"][0].endswith("/content/a%2Cb%20c.parquet")
    for url in (*by_relation["describedby"], *by_relation["cite-as"], *by_relation["collection"]):
        assert mesh.get(url.removeprefix(here)).status_code in {200, 302}


@pytest.mark.parametrize("name", ["/acme/nlp", WIKI, f"{WIKI}/v=1", f"{WIKI}/v=1/a,b"])
def test_every_page_describes_itself(mesh: Mesh, name: str) -> None:
    product(mesh)
    publish(mesh, paths=["a,b"])
    for relation, url in links(mesh.get(f"/n{name}", "ben")):
        if relation == "describedby":
            found = mesh.get(url.removeprefix(settings.FAIRMESH.public_url), "ben")
            assert found.status_code == 200
            assert found["Content-Type"] == "application/ld+json" or url.endswith(".json")


def test_the_trust_document_verifies_a_seal(mesh: Mesh) -> None:
    product(mesh)
    version = publish(mesh)
    found = mesh.get(TRUST, accept="application/json")
    document = found.json()
    assert document["mesh"] == "demo"
    anchor = Anchor.parse(found.content.decode())
    assert anchor.key_id == document["anchor"]["keyid"]
    assert version.envelope is not None
    header = verify_header(version.envelope, document["delegations"], anchor.public)
    assert header["name"] == f"{WIKI}/v=1"


def test_the_trust_document_names_no_domain_that_its_reader_may_not_know_of(mesh: Mesh) -> None:
    product(mesh, SECRET, visibility="team")
    publish(mesh, SECRET)
    known = {who: mesh.get(TRUST, who).json() for who in ("", "ben", "ana")}
    assert [len(known[who]["delegations"]) for who in ("", "ben", "ana")] == [0, 1, 1]
    assert known[""]["anchor"] == known["ana"]["anchor"]


def test_robots_may_read_names_and_leave_the_api_alone(mesh: Mesh) -> None:
    rules = mesh.get("/robots.txt").content.decode().splitlines()
    assert "Allow: /n/" in rules
    assert "Disallow: /api/" in rules


@pytest.mark.urls("config.urls")
def test_the_platform_serves_names_before_the_portal_takes_what_is_left() -> None:
    for address, view in (
        (f"/n{WIKI}", landing.LandingView),
        ("/ark:/99999/abc", landing.ArkView),
        (TRUST, landing.TrustView),
    ):
        assert getattr(resolve(address).func, "view_class", None) is view
