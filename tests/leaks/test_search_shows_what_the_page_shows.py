"""What search, lists, names and lineage show a caller is what has a page for them, and no more.

For every kind of caller, and under policies made by chance. There is no search by vectors in the
platform; what an agent can ask is asked here as it would ask it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from catalog.models import Product
from core.errors import FairmeshError
from governance.services import save_policy
from tests.builders import World
from tests.leaks.mesh import (
    KINDS,
    KNOWN,
    OPEN,
    PATIENTS,
    PLAIN,
    PRODUCTS,
    SECRET,
    WORDS,
    Caller,
    build_settled,
    callers,
    pages,
)

ALL, NONE = set(PRODUCTS), set[str]()
MESH = {KNOWN, OPEN, PLAIN, PATIENTS}
SHOWN: dict[str, set[str]] = {
    "anonymous": {OPEN},
    "stranger": MESH,
    "member": MESH | {SECRET},
    "owner": MESH | {SECRET},
    "operator": ALL,
    "service": MESH,
    "agent": MESH,
    "agent-of-owner": MESH | {SECRET},
    "scoped": {KNOWN},
    "narrow": MESH | {SECRET},
    "disabled": NONE,
}
"""What each may discover under the default policies."""


@pytest.fixture
def mesh(db: None, settings: Any, tmp_path: Path) -> World:
    return build_settled(settings, tmp_path)


def has_a_page(client: Client) -> set[str]:
    ids = dict(Product.objects.values_list("name", "pk"))
    answers = {name: client.get(f"/api/v1/products/{ids[name]}") for name in PRODUCTS}
    for name, answer in answers.items():
        assert answer.status_code in {200, 401, 404}
        assert answer.status_code == 200 or WORDS[name] not in answer.content.decode(), name
    return {name for name, answer in answers.items() if answer.status_code == 200}


def has_a_landing_page(client: Client) -> set[str]:
    return {name for name in PRODUCTS if client.get(f"/n{name}").status_code == 200}


def has_an_ark(client: Client) -> set[str]:
    arks = dict(Product.objects.values_list("name", "ark"))
    return {n for n in PRODUCTS if client.get(f"/ark:/99999/{arks[n]}").status_code in {200, 302}}


def is_listed(client: Client) -> set[str]:
    return {row["name"] for row in pages(client, "/api/v1/products")}


def is_found(client: Client) -> set[str]:
    by_all = {row["product"]["name"] for row in pages(client, "/api/v1/search", q="")}
    by_common = {row["product"]["name"] for row in pages(client, "/api/v1/search", q="common")}
    assert by_all == by_common
    return by_all


def is_suggested(client: Client) -> set[str]:
    found = set()
    for name, word in WORDS.items():
        answer = client.get("/api/v1/search/suggest", {"q": word[:4]})
        if answer.status_code == 200 and word in answer.json()["suggestions"]:
            found.add(name)
    return found


def is_resolved(client: Client) -> set[str]:
    """What may not be read is known of all the same: only the hidden answers as the absent."""
    known = set()
    absent = client.get("/api/v1/resolve", {"name": "/acme/nlp/~/absent"})
    for name in PRODUCTS:
        answer = client.get("/api/v1/resolve", {"name": name})
        if answer.status_code != absent.status_code:
            known.add(name)
        else:
            told = answer.json() | {"detail": answer.json()["detail"].replace(name, "X")}
            missing = absent.json()
            missing["detail"] = missing["detail"].replace("/acme/nlp/~/absent", "X")
            assert told | {"name": "X"} == missing | {"name": "X"}
    return known


def has_versions(client: Client) -> set[str]:
    return {row["product"] for row in pages(client, "/api/v1/versions")}


def has_replicas(client: Client) -> set[str]:
    rows = [row for way in ("replicas", "transfers") for row in pages(client, f"/api/v1/{way}")]
    return {row["version"].partition("/v=")[0] for row in rows}


def has_labels(client: Client) -> set[str]:
    return {
        name for name in PRODUCTS if client.get("/api/v1/labels", {"name": name}).status_code == 200
    }


def is_in_lineage(client: Client) -> set[str]:
    answers = [client.get("/api/v1/lineage/graph", {"name": name}) for name in PRODUCTS]
    as_roots = {
        name for name, a in zip(PRODUCTS, answers, strict=True) if a.status_code == 200
    }  # fmt: skip
    named = {
        node["name"]
        for a in answers
        if a.status_code == 200
        for node in a.json()["nodes"]
        if node["kind"] == "dataset" and node["name"] in ALL
    }
    assert named == as_roots
    return as_roots


def is_found_by_the_standard(client: Client, who: Caller) -> set[str]:
    subject = who.principal.id
    body = {
        "subject": {"type": "user", "id": subject},
        "action": {"name": "discover"},
        "resource": {"type": "product"},
    }
    answer = client.post("/access/v1/search/resource", body, content_type="application/json")
    return {row["id"] for row in answer.json().get("results", ())}


WAYS: tuple[Callable[[Client], set[str]], ...] = (
    has_a_landing_page, has_an_ark, is_listed, is_found, is_suggested, is_resolved, has_versions,
    has_replicas, has_labels, is_in_lineage,
)  # fmt: skip


def differences(
    who: Caller, wanted: set[str] | None = None
) -> Iterator[tuple[str, str, set[str], set[str]]]:
    """Yield every way that shows another set than the pages do, or than is wanted of them."""
    client = who.client()
    page = has_a_page(client)
    assert wanted is None or page == wanted, who.name
    for way in WAYS:
        if (shown := way(client)) != page:
            yield who.name, way.__name__, shown - page, page - shown
    if who.name not in {"disabled", "anonymous"}:  # who is not signed in gets no verdict
        standard = is_found_by_the_standard(client, who)
        if standard != page:
            yield who.name, "authzen", standard - page, page - standard


def test_under_the_default_policies(mesh: World) -> None:
    for name, who in callers(mesh).items():
        assert list(differences(who, SHOWN[name])) == []


quoted = st.sampled_from(
    ["resource.labels.contains(\"pii:email\")", "resource.labels.contains(\"topic:rare\")",
     "resource in Domain::\"/acme/nlp\"", "resource in Domain::\"/acme/health\"",
     "resource.visibility == \"team\"", "resource.access == \"open\"",
     f"resource.name == \"{SECRET}\"", "resource.name like \"/acme/nlp/*\"",
     "principal in Group::\"operators\"", "principal in Team::\"nlp\"",
     "principal.kind == \"agent\"", "principal == User::\"ben\"", "principal in resource.owners",
     "resource.team == Team::\"health\""]
)  # fmt: skip
conditions = st.recursive(
    quoted,
    lambda part: st.one_of(
        part.map(lambda one: f"!({one})"),
        st.tuples(part, st.sampled_from(["&&", "||"]), part).map(lambda p: f"({' '.join(p)})"),
    ),
    max_leaves=3,
)
ACTIONS = {"permit": 'action == Action::"discover"', "forbid": "action"}
"""Who is only forbidden to discover may still read what he knows the name of; see security.md."""
policies = st.lists(
    st.tuples(st.sampled_from(["permit", "forbid", "forbid"]), conditions), min_size=1, max_size=2
).map(
    lambda rules: "\n".join(
        f'@id("p{n}") {effect} (principal, {ACTIONS[effect]}, resource is Product)\n'
        f"when {{ {body} }};"
        for n, (effect, body) in enumerate(rules)
    )
)


def test_under_policies_made_by_chance(mesh: World) -> None:
    everyone = callers(mesh)
    shown: set[frozenset[str]] = set()

    @settings(
        max_examples=5,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=[*HealthCheck],
    )
    @given(policies, st.lists(st.sampled_from(KINDS[:-1]), min_size=2, max_size=2, unique=True))
    def agree(text: str, names: list[str]) -> None:
        with transaction.atomic():
            try:
                save_policy(mesh.operator.principal, kind="access", slug="chance", text=text)
            except FairmeshError:
                transaction.set_rollback(True)
                return
            assert [found for name in names for found in differences(everyone[name])] == []
            shown.update(frozenset(has_a_page(everyone[name].client())) for name in names)
            transaction.set_rollback(True)

    agree()
    assert len(shown) > 2, "the policies made a difference"
