"""What a new mesh begins with: its first operator, and the embedded sites and stores."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from config.runtime.home import Home, keep
from config.runtime.weed import BUCKET, Server
from governance.engine.entities import Principal
from governance.models import User
from governance.services import create_user
from governance.services.policy_sets import note_policy_set
from movement.models import Site, Store
from movement.services import create_site, create_store, move_store

OPERATOR = "admin"
BOOTSTRAP = Principal("service.bootstrap", groups=frozenset({"operators"}))


@dataclass(frozen=True)
class EmbeddedStore:
    """One store of the embedded profile and the site it stands for."""

    store: str
    site: str
    title: str
    jurisdictions: tuple[str, ...]


EMBEDDED = (
    EmbeddedStore("store-eu", "core-eu", "Core, Frankfurt", ("DE", "EU")),
    EmbeddedStore("store-us", "core-us", "Core, Virginia", ("US",)),
)


def ensure_operator(home: Home) -> None:
    """Create the first operator unless there is one; its password is in the home alone."""
    if User.objects.filter(is_operator=True).exists():
        return
    if not home.password.exists():
        keep(home.password, secrets.token_urlsafe(18) + "\n")
    password = home.password.read_text().strip()
    create_user(BOOTSTRAP, username=OPERATOR, password=password, operator=True)


def ensure_policy_set() -> None:
    """Write down what the policies in force are: an upgrade may have brought other defaults."""
    note_policy_set()


def ensure_stores(servers: Iterable[Server]) -> None:
    """Register the embedded sites and stores; tell a store's new address when it moved."""
    by_name = {server.name: server for server in servers}
    for embedded in EMBEDDED:
        if server := by_name.get(embedded.store):
            _ensure_site(embedded)
            _ensure_store(embedded, server)


def _ensure_site(embedded: EmbeddedStore) -> None:
    if not Site.objects.filter(name=embedded.site).exists():
        create_site(
            BOOTSTRAP,
            name=embedded.site,
            title=embedded.title,
            kind="core",
            jurisdictions=embedded.jurisdictions,
        )


def _ensure_store(embedded: EmbeddedStore, server: Server) -> None:
    known = Store.objects.filter(name=embedded.store).first()
    place = {
        "endpoint": server.endpoint,
        "access_key": server.access_key,
        "secret_key": server.secret_key,
    }
    if known is None:
        create_store(
            BOOTSTRAP, name=embedded.store, site=embedded.site, kind="s3", bucket=BUCKET, **place
        )
    elif known.endpoint != server.endpoint:
        move_store(BOOTSTRAP, embedded.store, **place)
