"""Titles, descriptions and file names are others' text: shown as they are, never obeyed."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from catalog.engine.licenses import spdx_urls
from catalog.models import Product
from tests.catalog.landing_mesh import WIKI, Mesh, found_mesh, product, publish

pytestmark = [pytest.mark.django_db, pytest.mark.urls("catalog.api.landing_urls")]
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \u2028 <!-- \"'&"
NASTY_FILE = "<b onclick=alert(3)>&\"'.parquet"


class Page(HTMLParser):
    """What a browser makes of a page: its elements, addresses and scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.scripts: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.attributes += [(key, value or "") for key, value in attrs]
        self._inside = tag if tag in {"script", "style"} else ""

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts.append(data)
        elif not self._inside:
            self.text += data


@pytest.fixture
def mesh() -> Mesh:
    mesh = found_mesh()
    hostile: dict[str, Any] = {"title": HOSTILE, "description": HOSTILE, "keywords": [HOSTILE]}
    product(mesh, **hostile, intended_use=HOSTILE)
    publish(mesh, paths=[NASTY_FILE])
    Product.objects.update(license="javascript:alert(4)")  # older than the check of licences
    return mesh


@pytest.mark.parametrize("name", ["/acme/nlp", WIKI, f"{WIKI}/v=1", f"{WIKI}/v=1/{NASTY_FILE}"])
def test_no_text_becomes_an_element_a_script_or_an_address(mesh: Mesh, name: str) -> None:
    found = mesh.get("/n" + name.replace("&", "%26").replace('"', "%22"), "ben")
    assert found.status_code == 200
    page = Page(found.content.decode())
    assert page.tags.count("script") == len(page.scripts) == 1
    assert not {"img", "b"} & set(page.tags)
    assert not [key for key, _ in page.attributes if key.startswith("on")]
    links = [value for key, value in page.attributes if key in {"href", "src"}]
    assert not [link for link in links if not link.startswith(("/", "http", "#"))]
    shown = NASTY_FILE if "v=1/" in name else HOSTILE.split(" \u2028")[0]
    assert shown in page.text
    document = json.loads(page.scripts[0])
    if name == WIKI:
        assert document["name"] == HOSTILE


def test_the_browser_is_told_to_run_nothing_and_to_trust_one_style(mesh: Mesh) -> None:
    for address in (f"/n{WIKI}", "/n/acme/~/absent"):
        found = mesh.get(address)
        style = re.search(r"<style>(.*?)</style>", found.content.decode(), re.DOTALL)
        assert style is not None
        digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
        policy = found["Content-Security-Policy"]
        assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
        assert "script-src" not in policy


def test_only_what_spdx_knows_is_linked_as_a_licence() -> None:
    assert spdx_urls("MIT") == ("https://spdx.org/licenses/MIT",)
    assert len(spdx_urls("MIT OR Apache-2.0")) == 2
    for text in ("javascript:alert(1)", "LicenseRef-ours", "", "https://x.test", "MIT AND", "No"):
        assert spdx_urls(text) == ()
