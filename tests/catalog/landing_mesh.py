"""A small mesh with landing pages: made by the services, asked over HTTP."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.test import Client

from catalog import services
from catalog.models import Version
from core.digests import Chunk
from core.manifest import FileEntry
from governance.engine.entities import Principal
from governance.models import User
from governance.selectors import principal_for
from governance.services import create_team, issue_token
from tests.catalog.search_mesh import OPERATOR

WIKI, SECRET = "/acme/nlp/~/wiki", "/acme/nlp/~/zanzibar"
OWNED = [{"username": "ana", "role": "owner"}]
COLUMNS = [
    {"name": "id", "type": "int64", "nullable": False},
    {"name": "text", "type": "string", "nullable": True},
    {"name": "list of tags", "type": "list<item: string>", "nullable": True},
]


@dataclass
class Mesh:
    ana: Principal
    """Owns everything below /acme."""
    headers: dict[str, dict[str, str]]

    def get(self, address: str, who: str = "", accept: str = "text/html", **headers: str) -> Any:
        asked = {**self.headers.get(who, {}), "Accept": accept, **headers}
        return Client(headers=asked).get(address)


def found_mesh() -> Mesh:
    """Make /acme and /acme/nlp with a public product; ben is a member of the mesh only."""
    people = {name: User.objects.create(username=name) for name in ("ana", "ben")}
    create_team(OPERATOR, slug="nlp", title="Language team", members=OWNED)
    ana = principal_for(people["ana"])
    services.create_domain(OPERATOR, name="/acme", title="Acme", team="nlp")
    services.create_domain(ana, name="/acme/nlp", title="Language", team="nlp")
    headers = {name: {"Authorization": f"Bearer {token(user)}"} for name, user in people.items()}
    return Mesh(ana, headers)


def token(user: User) -> str:
    return issue_token(user, principal_for(user), title="test", days=1, scopes=None)[1]


def product(mesh: Mesh, name: str = WIKI, **fields: Any) -> Any:
    given = {"title": "Wiki", "visibility": "public", "license": "CC-BY-SA-4.0", **fields}
    return services.create_product(mesh.ana, name=name, **given)


def publish(
    mesh: Mesh,
    name: str = WIKI,
    paths: Sequence[str] = ("train/part-0000.parquet",),
    inputs: Sequence[str] = (),
) -> Version:
    """Publish a version whose files hold 10 rows each."""
    draft = services.open_version(mesh.ana, name)
    for path in paths:
        services.add_draft_file(draft, entry(path), COLUMNS)
    return services.publish_version(mesh.ana, draft.pk, inputs=list(inputs))


def entry(path: str) -> FileEntry:
    digest = hashlib.sha256(path.encode()).hexdigest()
    media_type = "application/vnd.apache.parquet"
    return FileEntry(path, 1234, digest, media_type, 10, (Chunk(digest, 7),))
