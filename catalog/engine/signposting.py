"""Signposting: what a program finds in the `Link` header of a landing page.

Clients in the field split the header at commas, so no address in it may hold one.
Source: signposting.org/FAIR; RFC 8288 (Web Linking); RFC 5829 (version navigation).
"""

from __future__ import annotations

from collections.abc import Iterator

from catalog.engine.landing import FilePage, Mesh, Page, ProductPage, VersionPage, name_of
from catalog.engine.licenses import spdx_urls

MOST_ITEMS = 10
"""A header has a few kilobytes before some server refuses it; the documents list every file."""
_ABOUT, _DATASET = "https://schema.org/AboutPage", "https://schema.org/Dataset"


def link_header(page: Page, mesh: Mesh) -> str:
    """Return the value of the `Link` header of a page."""
    return ", ".join(_links(page, mesh))


def _links(page: Page, mesh: Mesh) -> Iterator[str]:
    yield _link(_ABOUT, "type")
    address = mesh.landing(name_of(page))
    yield _link(f"{address}.jsonld", "describedby", "application/ld+json")
    yield _link(f"{address}.json", "describedby", "application/json")
    if isinstance(page, ProductPage):
        yield from _dataset(page, mesh)
    if isinstance(page, VersionPage):
        yield from _version(page, mesh)
    if isinstance(page, FilePage):
        yield _link(mesh.landing(page.version.name), "collection")
        content = mesh.content(page.version.id, page.file.path)
        yield _link(content, "item", page.file.media_type)


def _dataset(page: ProductPage | VersionPage, mesh: Mesh) -> Iterator[str]:
    version = page.number if isinstance(page, VersionPage) else None
    sealed = page.license if isinstance(page, VersionPage) else page.product.license
    yield _link(_DATASET, "type")
    yield _link(mesh.pid(page.product.ark, version), "cite-as")
    yield _link(mesh.landing(page.product.domain), "author")
    for url in spdx_urls(sealed):
        yield _link(url, "license")
    if isinstance(page, ProductPage):
        for line in page.versions[:MOST_ITEMS]:
            if not line.removed:
                yield _link(mesh.landing(line.name), "item", "text/html")


def _version(page: VersionPage, mesh: Mesh) -> Iterator[str]:
    yield from _dataset(page, mesh)
    yield _link(mesh.landing(page.product.name), "collection")
    for file in page.listed[:MOST_ITEMS]:
        yield _link(mesh.content(page.id, file.path), "item", file.media_type)
    steps = {
        "predecessor-version": page.previous,
        "successor-version": page.next,
        "latest-version": page.latest,
    }
    for relation, name in steps.items():
        if name:
            yield _link(mesh.landing(name), relation)


def _link(url: str, relation: str, media_type: str = "") -> str:
    """Return one link; an unusual media type is left out rather than quoted."""
    kind = f'; type="{media_type}"' if media_type and _plain(media_type) else ""
    return f'<{url.replace(",", "%2C")}>; rel="{relation}"{kind}'


def _plain(media_type: str) -> bool:
    return media_type.isascii() and all(c.isalnum() or c in "/+.-_" for c in media_type)
