"""What a landing page tells: plain facts, gathered once, written as HTML, JSON-LD, JSON and links.

Every fact in here is one that the reader may know; nothing is filtered after this point.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from core.names import Name, ark, encode_path


@dataclass(frozen=True, slots=True)
class Mesh:
    """Where the addresses of this mesh begin, and who gives out its ARKs."""

    name: str
    url: str
    """Without a slash at its end."""
    naan: int

    def landing(self, name: Name | str) -> str:
        return f"{self.url}/n{name}"

    def pid(self, opaque: str, number: int | None = None) -> str:
        """Return the address of an ARK: of the product, or of one of its versions."""
        version = "" if number is None else f".v{number}"
        return f"{self.url}/{ark(self.naan, opaque)}{version}"

    def content(self, version_id: str, path: str) -> str:
        return f"{self.url}/api/v1/versions/{version_id}/content/{encode_path(path)}"


@dataclass(frozen=True, slots=True)
class LabelFact:
    label: str
    column: str


@dataclass(frozen=True, slots=True)
class ProductFacts:
    """What a product says of itself, and what the reader may do with it."""

    name: str
    ark: str
    title: str
    description: str
    keywords: tuple[str, ...]
    license: str
    intended_use: str
    visibility: str
    access: str
    lifecycle: str
    domain: str
    team: str
    labels: tuple[LabelFact, ...]
    created_at: datetime
    updated_at: datetime
    may_read: bool
    """Whether the reader may read the data, for no stated purpose."""


@dataclass(frozen=True, slots=True)
class VersionLine:
    """A version in the list of its product."""

    number: int
    name: str
    semver: str
    files: int
    bytes: int
    rows: int | None
    digest: str
    published_at: datetime
    removed: bool
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProductPage:
    product: ProductFacts
    versions: tuple[VersionLine, ...]
    more_versions: int


@dataclass(frozen=True, slots=True)
class FileFacts:
    path: str
    bytes: int
    sha256: str
    media_type: str
    rows: int | None


@dataclass(frozen=True, slots=True)
class InputFact:
    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class ColumnFact:
    name: str
    type: str
    nullable: bool


@dataclass(frozen=True, slots=True)
class Removal:
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class VersionPage:
    """A sealed version; `license` and `publisher` are the sealed ones."""

    product: ProductFacts
    id: str
    number: int
    name: str
    semver: str
    files: int
    bytes: int
    rows: int | None
    digest: str
    manifest: str
    license: str
    publisher: str
    published_at: datetime
    labels: tuple[str, ...]
    columns: tuple[ColumnFact, ...]
    inputs: tuple[InputFact, ...]
    hidden_inputs: int
    """Inputs that the reader may not know of."""
    aliases: tuple[str, ...]
    previous: str
    next: str
    latest: str
    listed: tuple[FileFacts, ...]
    """The first files in path order."""
    removed: Removal | None


@dataclass(frozen=True, slots=True)
class FilePage:
    version: VersionPage
    name: str
    file: FileFacts


@dataclass(frozen=True, slots=True)
class Entry:
    """A product or a domain in the list of a domain."""

    name: str
    title: str
    description: str


@dataclass(frozen=True, slots=True)
class DomainPage:
    name: str
    title: str
    description: str
    team: str
    parents: tuple[str, ...]
    domains: tuple[Entry, ...]
    products: tuple[Entry, ...]
    more_products: int


Page = DomainPage | ProductPage | VersionPage | FilePage


def name_of(page: Page) -> str:
    return page.product.name if isinstance(page, ProductPage) else page.name


def kind_of(page: Page) -> str:
    """One of domain, product, version, file: the words of core.names."""
    return Name.parse(name_of(page)).kind


def as_json(page: Page, mesh: Mesh) -> dict[str, Any]:
    """Return the page for programs: the facts as they are, with the addresses of this mesh."""
    facts = {"kind": kind_of(page), "url": mesh.landing(name_of(page)), **asdict(page)}
    if isinstance(page, ProductPage):
        facts["pid"] = mesh.pid(page.product.ark)
    if isinstance(page, VersionPage):
        facts["pid"] = mesh.pid(page.product.ark, page.number)
        facts["seal"] = f"{mesh.url}/api/v1/versions/{page.id}/seal"
        facts["all_files"] = f"{mesh.url}/api/v1/versions/{page.id}/files"
    if isinstance(page, FilePage):
        facts["content"] = mesh.content(page.version.id, page.file.path)
        del facts["version"]["listed"]
    return facts


def access_words(product: ProductFacts) -> str:
    """Return in one sentence how one comes to read the product."""
    if product.access == "open":
        return "Open to every member of the mesh, at no charge."
    return "On request, for a stated purpose: the owners decide, and a grant ends by itself."
