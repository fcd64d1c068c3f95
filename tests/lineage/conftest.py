"""A small world for lineage: a mesh with an open and a hidden product, and events about them.

Products are given to governance by its registry, as the catalog does; who may see what is
decided by the real policies.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from core.names import Name
from governance import resources
from governance.engine.entities import ANONYMOUS, Access, Action, Principal, Resource, Visibility
from governance.models import Membership, Team, TeamRole, User
from governance.selectors import principal_for
from governance.services import decide, issue_token

OPEN, SECRET = "/acme/nlp/~/wiki", "/acme/nlp/~/zanzibar"
OURS = "fairmesh://demo"


@dataclass
class World:
    """Ana owns both products; Ben is a member of the mesh and of nothing else."""

    ana: Principal
    ben: Principal
    nobody: Principal
    headers: dict[str, dict[str, str]]

    def client(self, who: str = "") -> Client:
        return Client(headers=self.headers.get(who, {}))


@pytest.fixture
def world(db: None, monkeypatch: pytest.MonkeyPatch) -> World:
    team = Team.objects.create(slug="nlp", title="NLP")
    ana, ben = (User.objects.create(username=name) for name in ("ana", "ben"))
    Membership.objects.create(team=team, user=ana, role=TeamRole.OWNER)
    known = {
        OPEN: product(OPEN, Visibility.MESH),
        SECRET: product(SECRET, Visibility.TEAM),
    }

    def load(name: Name) -> Resource | None:
        return known.get(str(name))

    def lister(principal: Principal, action: Action, names: Iterable[str]) -> set[str]:
        asked = {name for name in names if name in known}
        return {name for name in asked if decide(principal, action, known[name]).allow}

    monkeypatch.setitem(resources._loaders, "product", load)
    monkeypatch.setitem(resources._listers, "product", lister)
    people = {"ana": ana, "ben": ben}
    return World(
        ana=principal_for(ana),
        ben=principal_for(ben),
        nobody=ANONYMOUS,
        headers={name: {"Authorization": f"Bearer {token(user)}"} for name, user in people.items()},
    )


def product(name: str, visibility: Visibility) -> Resource:
    return Resource("Product", name, "nlp", visibility, Access.OPEN, "active")


def token(user: User) -> str:
    return issue_token(user, principal_for(user), title="test", days=1, scopes=None)[1]


@pytest.fixture
def run_event() -> Any:
    """Build a run event: `a` reads into `b`, names with a slash being ours."""

    def build(
        inputs: Iterable[str] = (), outputs: Iterable[str] = (), **changes: Any
    ) -> dict[str, Any]:
        return {
            "eventType": "COMPLETE",
            "eventTime": "2026-01-01T00:00:00Z",
            "producer": "urn:test",
            "run": {"runId": "01890000-0000-7000-8000-000000000001"},
            "job": {"namespace": "airflow", "name": "daily"},
            "inputs": [dataset(name) for name in inputs],
            "outputs": [dataset(name) for name in outputs],
            **changes,
        }

    return build


def dataset(name: str) -> dict[str, Any]:
    return {"namespace": OURS if name.startswith("/") else "pg", "name": name, "facets": {}}
