"""A real product, published by the catalog, appears in the graph once the outbox is dispatched."""

from __future__ import annotations

from typing import Any

import pytest

from catalog import services as catalog
from core import outbox
from core.manifest import FileEntry
from governance.engine.entities import Principal
from governance.models import Membership, Team, TeamRole, User
from governance.selectors import principal_for
from lineage import selectors
from lineage.selectors import Question


@pytest.fixture
def ana(db: None) -> Principal:
    user = User.objects.create(username="ana", is_operator=True)
    team = Team.objects.create(slug="nlp", title="NLP")
    Membership.objects.create(team=team, user=user, role=TeamRole.OWNER)
    return principal_for(user)


def publish(actor: Principal, name: str, **fields: Any) -> str:
    inputs = fields.pop("inputs", ())
    catalog.create_product(actor, name=name, title=name, **fields)
    version = catalog.open_version(actor, name)
    entry = FileEntry("part.csv", 3, "0" * 64, "text/csv", 1)
    catalog.add_draft_file(version, entry, [{"name": "x", "type": "int64", "nullable": True}])
    return catalog.publish_version(actor, version.pk, inputs=inputs).name


def test_versions_published_from_versions_are_tied(ana: Principal) -> None:
    catalog.create_domain(ana, name="/acme", title="Acme", team="nlp")
    wiki = publish(ana, "/acme/~/wiki", visibility="mesh")
    tokens = publish(ana, "/acme/~/tokens", visibility="team", inputs=[wiki])
    outbox.dispatch()
    graph = selectors.graph(ana, wiki, Question())
    assert [node.name for node in graph.nodes] == [wiki, tokens]
    ben = principal_for(User.objects.create(username="ben"))
    seen = selectors.graph(ben, wiki, Question())
    assert [(node.name, node.redacted) for node in seen.nodes] == [(wiki, False), ("", True)]
