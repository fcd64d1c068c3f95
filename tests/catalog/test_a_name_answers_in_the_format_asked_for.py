"""One name, several documents: for people, for search engines and loaders, for programs."""

from __future__ import annotations

import json
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import mlcroissant
import pytest

from catalog import services
from tests.catalog.landing_mesh import WIKI, Mesh, found_mesh, product, publish

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.urls("catalog.api.landing_urls"),
]
CROISSANT = 'application/ld+json; profile="http://mlcommons.org/croissant/1.1"'


@pytest.fixture
def mesh() -> Mesh:
    return found_mesh()


@pytest.mark.parametrize(
    ("accept", "suffix", "answered"),
    [
        ("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "", "text/html; charset=utf-8"),
        ("*/*", "", "text/html; charset=utf-8"),
        ("application/ld+json", "", "application/ld+json"),
        (CROISSANT, "", "application/ld+json"),
        ("application/json, text/html;q=0.5", "", "application/json"),
        ("text/html", ".jsonld", "application/ld+json"),
        ("text/html", ".json", "application/json"),
    ],
)
@pytest.mark.parametrize("name", ["/acme/nlp", WIKI, f"{WIKI}/v=1", f"{WIKI}/v=1/a b,c.parquet"])
def test_accept_or_a_suffix_chooses(
    mesh: Mesh, name: str, accept: str, suffix: str, answered: str
) -> None:
    product(mesh)
    publish(mesh, paths=["a b,c.parquet"])
    found = mesh.get(f"/n{name}{suffix}", "ben", accept)
    assert found.status_code == 200, found.content
    assert found["Content-Type"] == answered
    assert {"Accept", "Cookie", "Authorization"} <= set(found["Vary"].split(", "))


def test_a_format_that_nobody_writes_is_refused(mesh: Mesh) -> None:
    product(mesh)
    assert mesh.get(f"/n{WIKI}", accept="image/png").status_code == 406
    assert mesh.get("/n/acme/~/absent", accept="image/png").status_code == 406


def test_a_product_whose_name_ends_like_a_suffix_keeps_its_page(mesh: Mesh) -> None:
    product(mesh)
    product(mesh, WIKI + ".json", title="Named like a suffix")
    found = mesh.get(f"/n{WIKI}.json")
    assert found["Content-Type"].startswith("text/html")
    assert b"Named like a suffix" in found.content


@pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib")
@pytest.mark.parametrize("paths", [["a.parquet"], ["a.parquet", "tables", "sub dir/b,c.parquet"]])
def test_a_version_is_a_croissant_that_loads(mesh: Mesh, paths: list[str], tmp_path: Path) -> None:
    product(mesh, description="Text of the wiki.", keywords=["text", "wiki"])
    version = publish(mesh, paths=paths)
    document = mesh.get(f"/n{WIKI}/v=1.jsonld").json()
    (tmp_path / "croissant.json").write_text(json.dumps(document))
    loaded = mlcroissant.Dataset(tmp_path / "croissant.json").metadata
    assert not loaded.ctx.issues.errors
    assert document["conformsTo"] == "http://mlcommons.org/croissant/1.1"
    assert loaded.ctx.is_v1_1()
    files = {file.sha256 for file in loaded.file_objects}
    assert len(files) == len(paths) == version.files
    fields = {field.name: field for field in loaded.record_sets[0].fields}
    assert list(fields) == ["id", "text", "list of tags"]
    assert document["recordSet"][0]["field"][2]["isArray"] is True
    assert document["license"] == "https://spdx.org/licenses/CC-BY-SA-4.0"
    assert datetime.fromisoformat(document["datePublished"]) == version.published_at
    assert document["@id"] == document["identifier"]
    assert f"/ark:/99999/{version.product.ark}.v1" in document["@id"]


def test_the_page_carries_the_same_document_as_the_suffix(mesh: Mesh) -> None:
    product(mesh)
    publish(mesh)
    for name in (WIKI, f"{WIKI}/v=1"):
        embedded = json.loads(Scripts.of(mesh.get(f"/n{name}").content)[0])
        assert embedded == mesh.get(f"/n{name}.jsonld").json()


def test_a_version_tells_its_sealed_facts(mesh: Mesh) -> None:
    product(mesh)
    version = publish(mesh, paths=[f"part-{n:03}.parquet" for n in range(102)])
    publish(mesh)
    services.update_product(mesh.ana, version.product_id, {"license": "MIT"})
    facts = mesh.get(f"/n{WIKI}/v=1", accept="application/json").json()
    assert facts["digest"] == version.digest
    assert (facts["files"], facts["bytes"], facts["rows"]) == (102, 102 * 1234, 1020)
    assert len(facts["listed"]) == 100
    assert facts["license"] == "CC-BY-SA-4.0"
    assert (facts["previous"], facts["next"]) == ("", f"{WIKI}/v=2")
    html = mesh.get(f"/n{WIKI}/v=1").content.decode()
    assert "the first 100 of 102" in html
    assert version.digest in html
    assert f"fairmesh get {WIKI}/v=1 data" in html


def test_latest_leads_to_the_newest_version(mesh: Mesh) -> None:
    product(mesh)
    assert mesh.get(f"/n{WIKI}/latest").status_code == 404
    publish(mesh)
    publish(mesh)
    for suffix in ("", ".jsonld"):
        found = mesh.get(f"/n{WIKI}/latest{suffix}")
        assert (found.status_code, found["Location"]) == (307, f"/n{WIKI}/v=2{suffix}")
    assert mesh.get(f"/n{WIKI}/stable").status_code == 404


def test_a_moved_product_answers_at_its_old_names(mesh: Mesh) -> None:
    moved = product(mesh)
    publish(mesh)
    services.move_product(mesh.ana, moved.pk, "/acme/~/encyclopedia")
    for rest in ("", "/v=1", "/v=1/train/part-0000.parquet", "/v=1.jsonld", ".json"):
        found = mesh.get(f"/n{WIKI}{rest}")
        assert found.status_code == 301, rest
        assert found["Location"] == f"/n/acme/~/encyclopedia{rest}"
        assert mesh.get(found["Location"]).status_code == 200
        assert "private" in found["Cache-Control"]


@pytest.mark.parametrize("name", ["Acme", "acme/~/wiki/v=0", "acme/~/wiki/newest", "~/wiki"])
def test_a_wrong_name_is_told_where_it_is_wrong(mesh: Mesh, name: str) -> None:
    problem = mesh.get(f"/n/{name}", accept="application/json")
    assert problem.status_code == 400
    assert problem["Content-Type"] == "application/problem+json"
    assert problem.json()["where"] == f"/n/{name}"
    assert problem.json()["code"] == "invalid_name"
    page = mesh.get(f"/n/{name}")
    assert page.status_code == 400
    assert page["Content-Type"].startswith("text/html")


def test_only_what_nobody_signed_in_sees_of_a_version_is_public_to_caches(mesh: Mesh) -> None:
    product(mesh)
    publish(mesh)
    assert mesh.get(f"/n{WIKI}/v=1")["Cache-Control"] == "public, max-age=300, immutable"
    for address, who in ((f"/n{WIKI}/v=1", "ben"), (f"/n{WIKI}", ""), ("/n/none/~/x", "")):
        assert "private" in mesh.get(address, who)["Cache-Control"]


def test_an_unchanged_page_is_not_sent_again(mesh: Mesh) -> None:
    product(mesh)
    publish(mesh)
    first = mesh.get(f"/n{WIKI}/v=1")
    again = mesh.get(f"/n{WIKI}/v=1", **{"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = mesh.get(f"/n{WIKI}/v=1", accept="application/json")
    assert other["ETag"] != first["ETag"]


@pytest.mark.parametrize("versions", [1, 12])
def test_the_number_of_queries_does_not_grow(
    mesh: Mesh, versions: int, django_assert_max_num_queries: Any
) -> None:
    source = product(mesh, "/acme/nlp/~/source")
    publish(mesh, source.name)
    product(mesh)
    for _ in range(versions):
        publish(mesh, paths=["a", "b", "c"], inputs=[f"{source.name}/v=1"])
    for address in ("/n/acme/nlp", f"/n{WIKI}", f"/n{WIKI}/v=1", f"/n{WIKI}/v=1/a"):
        with django_assert_max_num_queries(40):
            assert mesh.get(address, "ben").status_code == 200


class Scripts(HTMLParser):
    """Collects what stands in script elements, as a browser would read it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside = False

    @classmethod
    def of(cls, html: bytes) -> list[str]:
        parser = cls()
        parser.feed(html.decode())
        return parser.found

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._inside = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.found.append(data)
