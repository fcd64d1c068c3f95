"""A small mesh, built through services: people, teams, domains, products, sites, stores, versions.

    world = build_world(settings, tmp_path)
    world.add_site("core-eu", "core", ["DE", "EU"])
    world.add_directory("store-eu", "core-eu")
    world.add_product("/acme/nlp/~/wiki")
    version = world.publish("/acme/nlp/~/wiki", {"a.csv": b"x\\n1\\n"})

Ana owns the teams acme and nlp, Carla owns health, Ben is a member of the mesh and of no team, and
the operator runs the mesh. `world.ana.client()` is a test client that carries Ana's token.
"""

from __future__ import annotations

import hashlib
import io
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from django.test import Client

from catalog.models import Product, Version
from catalog.services import create_domain, create_product, open_version
from core import outbox
from core.models import OutboxDelivery
from governance.engine.entities import Principal
from governance.models import Grant, Label, Policy, User
from governance.selectors import principal_for
from governance.services import (
    add_label,
    approve_request,
    create_team,
    create_user,
    issue_token,
    request_access,
    save_policy,
)
from movement.models import Site, Store
from movement.services import create_site, create_store, publish, receive_file
from movement.services.ingest import Announced
from tests.kept import Kept
from tests.servers import S3Server

_FOUNDER = Principal("service.founder", groups=frozenset({"operators"}))
_PASSWORD = "correct horse battery"


@dataclass
class Person:
    """Someone of the mesh: as a user, as a principal, and as the holder of a token."""

    user: User

    @property
    def principal(self) -> Principal:
        """What decisions see of them now."""
        return principal_for(self.user)

    @cached_property
    def token(self) -> str:
        return issue_token(self.user, self.principal, title="test", days=1, scopes=None)[1]

    def client(self) -> Client:
        return Client(headers={"Authorization": f"Bearer {self.token}"})


@dataclass
class World:
    """The mesh and its people; every method writes through a service."""

    home: Path
    people: dict[str, Person] = field(default_factory=dict)

    @classmethod
    def of_all(cls, home: Path) -> World:
        """Return the mesh with everyone who is there."""
        return cls(home, {each.username: Person(each) for each in User.objects.all()})

    @property
    def operator(self) -> Person:
        return self.people["operator"]

    @property
    def ana(self) -> Person:
        return self.people["ana"]

    @property
    def ben(self) -> Person:
        return self.people["ben"]

    @property
    def carla(self) -> Person:
        return self.people["carla"]

    def owner_of(self, name: str) -> Person:
        return self.carla if name.startswith("/acme/health") else self.ana

    def add_person(self, username: str, *, operator: bool = False) -> Person:
        user = create_user(_FOUNDER, username=username, password=_PASSWORD, operator=operator)
        self.people[username] = Person(user)
        return self.people[username]

    def add_team(self, slug: str, members: Mapping[str, str]) -> None:
        """`members` maps user names to `owner` or `member`."""
        listed = [{"username": name, "role": role} for name, role in members.items()]
        create_team(self.operator.principal, slug=slug, title=slug.title(), members=listed)

    def add_domain(self, name: str, team: str, by: Person | None = None) -> None:
        create_domain((by or self.operator).principal, name=name, title=name, team=team)

    def add_product(self, name: str, **fields: Any) -> Product:
        """Create a product of the mesh; `access="request"` unless told otherwise."""
        owner = self.owner_of(name).principal
        return create_product(owner, name=name, title=name.rsplit("/", 1)[1], **fields)

    def add_label(self, name: str, label: str) -> Label:
        return add_label(self.owner_of(name).principal, name=name, label=label)

    def add_site(self, name: str, kind: str, jurisdictions: Sequence[str]) -> Site:
        return create_site(
            self.operator.principal, name=name, title=name, kind=kind, jurisdictions=jurisdictions
        )

    def add_s3(self, name: str, site: str, server: S3Server, prefix: str = "") -> Store:
        """Register a store in a bucket of its own."""
        return create_store(
            self.operator.principal,
            name=name,
            site=site,
            kind="s3",
            endpoint=server.endpoint,
            bucket=f"test-{uuid.uuid4().hex[:12]}",
            prefix=prefix,
            access_key=server.access_key,
            secret_key=server.secret_key,
        )

    def add_directory(self, name: str, site: str) -> Store:
        operator = self.operator.principal
        return create_store(operator, name=name, site=site, kind="directory", root=name)

    def add_protection(
        self, slug: str, spec: str, prefix: str = "/acme", labels: Iterable[str] = ()
    ) -> Policy:
        """Put a protection policy into force; `spec` is YAML, as in `{copies: 2}`."""
        listed = ", ".join(f'"{label}"' for label in labels)
        text = (
            f"kind: protection\nid: {slug}\n"
            f"scope: {{prefix: {prefix}, labels: [{listed}]}}\nspec: {spec}\n"
        )
        return save_policy(self.operator.principal, kind="protection", text=text)

    def add_request_rules(
        self, slug: str, rules: str, prefix: str = "/acme", labels: Iterable[str] = ()
    ) -> Policy:
        """Put rules for access requests into force; `rules` is YAML, as in `{max_days: 30}`."""
        listed = ", ".join(f'"{label}"' for label in labels)
        text = (
            f"kind: services\nid: {slug}\n"
            f"scope: {{prefix: {prefix}, labels: [{listed}]}}\nspec: {{requests: {rules}}}\n"
        )
        return save_policy(self.operator.principal, kind="services", text=text)

    def draft(self, name: str, files: Mapping[str, bytes], store: str = "") -> Version:
        """Open a version and upload its files."""
        owner = self.owner_of(name).principal
        version = open_version(owner, name)
        for path, data in files.items():
            sha256 = hashlib.sha256(data).hexdigest()
            announced = Announced(path, len(data), sha256, store=store)
            receive_file(owner, version.pk, announced, io.BytesIO(data).read)
        return version

    def publish(
        self, name: str, files: Mapping[str, bytes], store: str = "", inputs: Sequence[str] = ()
    ) -> Version:
        """Upload files and publish them as the next version."""
        version = self.draft(name, files, store)
        return publish(self.owner_of(name).principal, version.pk, inputs=inputs)

    def grant(self, person: Person, name: str, purpose: str = "any") -> Grant:
        """Have a person ask for access, and the owner approve it."""
        asked = request_access(
            person.user, person.principal, name=name, purpose=purpose, reason="", days=10
        )
        owner = self.owner_of(name)
        return approve_request(owner.user, owner.principal, asked.pk)


def build_world(settings: Any, home: Path) -> World:
    """Found the mesh in `home`: its people, teams and the domains /acme, /acme/nlp, /acme/health.

    `settings` is the fixture of pytest-django.
    """
    return _founded(settings, home)


def kept(add: Callable[[World], object]) -> Callable[[Any, Path], World]:
    """Return `build_world` for a mesh to which `add` adds more, by services and but once."""
    mesh = Kept(lambda home: add(_found(home)))

    def build(settings: Any, home: Path) -> World:
        settle_in(settings, home)
        mesh.put(home)
        return World.of_all(home)

    return build


def _found(home: Path) -> World:
    world = World(home)
    world.add_person("operator", operator=True)
    for name in ("ana", "ben", "carla"):
        world.add_person(name)
    world.add_team("acme", {"operator": "owner", "ana": "owner"})
    world.add_team("nlp", {"ana": "owner"})
    world.add_team("health", {"carla": "owner"})
    world.add_domain("/acme", "acme")
    world.add_domain("/acme/nlp", "nlp")
    world.add_domain("/acme/health", "health")
    return world


_founded = kept(lambda world: None)


def settle_in(settings: Any, home: Path) -> None:
    """Have the platform live in `home`, and hash passwords fast."""
    settings.FAIRMESH = replace(settings.FAIRMESH, home=home)
    settings.WHITENOISE_AUTOREFRESH = True  # no folder of static files is needed
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def add_two_sites(world: World, server: S3Server) -> tuple[Store, Store]:
    """Add the stores store-eu at core-eu (DE, EU) and store-us at core-us (US)."""
    world.add_site("core-eu", "core", ["DE", "EU"])
    world.add_site("core-us", "core", ["US"])
    return world.add_s3("store-eu", "core-eu", server), world.add_s3("store-us", "core-us", server)


def body_of(answer: Any) -> bytes:
    """Return the body of an answer, streamed or not."""
    return b"".join(answer.streaming_content) if answer.streaming else bytes(answer.content)


def deliver() -> None:
    """Hand out every event, and what these cause, as the worker does; fail if a handler failed."""
    while outbox.dispatch():
        pass
    failed = OutboxDelivery.objects.filter(done_at__isnull=True)
    assert [(delivery.handler, delivery.error) for delivery in failed] == []
