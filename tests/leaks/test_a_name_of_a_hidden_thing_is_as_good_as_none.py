"""Who writes the name of something hidden into a request is answered as for a name of nothing.

Every address that takes a name in its body or its query is asked twice by who may not know of it:
with the name of a hidden product or version, and with one that nobody ever gave.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from tests.builders import World, body_of
from tests.leaks.mesh import KNOWN, SECRET, build_settled, callers
from tests.test_every_address_asks_the_decision_point import routes

ABSENT = "/acme/nlp/~/zebradog"
LATER = (datetime.now(UTC) + timedelta(days=3)).isoformat()
MINE = {"version": 1, "steps": [{"filter": {"where": [{"column": "a", "min_chars": 1}]}}]}


def bodies(name: str) -> dict[str, Any]:
    """Return for each address a body that would do, about `name`."""
    subject, product = {"type": "user", "id": "ben"}, {"type": "product", "id": name}
    question = {"subject": subject, "action": {"name": "read"}, "resource": product}
    protection = f"kind: protection\nid: mine\nscope: {{prefix: {name}}}\nspec: {{copies: 1}}\n"
    about = f'@id("x") permit (principal, action == Action::"read", resource == Product::"{name}");'
    event = {
        "eventType": "COMPLETE", "eventTime": LATER, "producer": "https://example.org",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": "0190e5a0-0000-7000-8000-000000000000"},
        "job": {"namespace": "n", "name": "j"},
        "inputs": [{"namespace": "fairmesh://demo", "name": name}],
        "outputs": [{"namespace": "fairmesh://demo", "name": name}],
    }  # fmt: skip
    document = {"spec": MINE | {"inputs": [{"name": name}], "output": {"name": KNOWN}}}
    return {
        "decisions": {"action": "read", "name": name, "explain": True},
        "access-requests": {"name": name, "purpose": "any", "days": 3},
        "grants/break-glass": {"name": name, "purpose": "operations", "reason": "Fire."},
        "campaigns": {"prefix": name, "title": "Q3", "due_at": LATER},
        "labels": {"name": name, "label": "pii:email"},
        "labels/declassifications": {"name": name, "label": "pii:email", "reason": "None."},
        "scans": {"name": f"{name}/v=1"},
        "products": {"name": f"{name}-more", "title": "More"},
        "versions": {"product": name},
        "holds": {"name": name, "reference": "case 7", "reason": "A court asks."},
        "erasures": {"name": f"{name}/v=1", "reason": "x", "basis": "GDPR Art. 17"},
        "transfers": {"version": f"{name}/v=1", "target": "store-us"},
        "plans": {"name": name},
        "pins": {"version": f"{name}/v=1", "store": "store-eu", "reason": "The trial."},
        "site-subscriptions": {"product": name, "site": "core-eu"},
        "pipelines": {"name": "p", **document},
        "pipelines/check": document,
        "pipelines/plan": document,
        "pipelines/sample": document,
        "policies": {"kind": "protection", "text": protection},
        "policies/folder": {"files": {"protection/mine.yaml": protection}},
        "policies/drafts": {"kind": "access", "slug": "mine", "text": about},
        "lineage": event,
        "lineage/batch": [event],
        "/access/v1/evaluation": question,
        "/access/v1/evaluations": {"evaluations": [question, question]},
        "/access/v1/search/subject": {**question, "subject": {"type": "user"}},
        "/access/v1/search/resource": {**question, "resource": {"type": "product"}},
        "/access/v1/search/action": {"subject": subject, "resource": product},
    }  # fmt: skip


NAMELESS = {
    "session", "users", "teams", "groups", "tokens", "clients", "sites", "stores", "domains",
    "links", "teams/<slug:slug>/members", "teams/<slug:slug>/members/<str:username>",
    "groups/<slug:name>/members/<str:username>", "users/<str:username>", "clients/<str:client_id>",
    "users/<str:username>/erase", "sites/<slug:name>", "policies/<uuid:policy_id>/diff",
    "sites/<slug:name>/heartbeat", "stores/<slug:name>/trust", "pipelines/<slug:name>/backfill",
}  # fmt: skip
"""Writes about people, teams, places and pipelines: they take the name of no product."""
QUERIES = (
    "name={0}&product={0}&prefix={0}&domain={0}&q={0}",
    "name={0}/v=1&version={0}/v=1",
    "node=dataset:fairmesh://demo:{0}",
    "nodeId=dataset:fairmesh://demo:{0}",
)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[^\"]+|^id: \d+", re.MULTILINE)


def writes() -> Iterator[str]:
    for route in sorted(set(routes())):
        method, _, address = route.partition(" ")
        ours = not address.startswith("/") or address.startswith("/access/")
        if method == "POST" and ours and "<uuid:" not in address and address not in NAMELESS:
            yield address


def reads() -> Iterator[str]:
    for route in sorted(set(routes())):
        method, _, address = route.partition(" ")
        if method == "GET" and "<" not in address and not address.startswith("/"):
            yield address


@pytest.fixture
def mesh(db: None, settings: Any, tmp_path: Path) -> World:
    return build_settled(settings, tmp_path)


def told(client: Client, method: str, way: str, body: Any, name: str) -> tuple[int, str]:
    with transaction.atomic():
        answer = client.generic(method, way, json.dumps(body), "application/json")
        said = body_of(answer).decode(errors="replace")
        transaction.set_rollback(True)
    said = _MOMENT.sub("", said.replace(name, "NAME").replace(name[1:], "NAME"))
    return answer.status_code, said


def at(address: str) -> str:
    return address if address.startswith("/") else f"/api/v1/{address}"


def test_every_address_that_takes_a_name_is_asked() -> None:
    assert set(writes()) == set(bodies(SECRET))


@pytest.mark.parametrize("who", ["stranger", "anonymous", "scoped", "agent"])
def test_no_write_answers_otherwise(mesh: World, who: str) -> None:
    client = callers(mesh)[who].client()
    differ = []
    for address, body in bodies(SECRET).items():
        hidden = told(client, "POST", at(address), body, SECRET)
        absent = told(client, "POST", at(address), bodies(ABSENT)[address], ABSENT)
        if steady(hidden) != steady(absent):
            differ.append((address, hidden, absent))
    assert differ == []


def steady(answer: tuple[int, str]) -> tuple[int, Any]:
    """Return the answer without what is new in each: ids, times and digests of what was made."""
    status, said = answer
    made = json.loads(said) if said.startswith("{") else said
    if isinstance(made, dict):
        for key in ("id", "created_at", "digest", "received_at", "policy_set", "at"):
            made.pop(key, None)
    return status, made


@pytest.mark.parametrize("who", ["stranger", "anonymous"])
def test_no_read_answers_otherwise(mesh: World, who: str) -> None:
    client = callers(mesh)[who].client()
    differ = []
    for address in reads():
        for query in QUERIES:
            one, other = (
                told(client, "GET", f"{at(address)}?{query.format(name)}", None, name)
                for name in (SECRET, ABSENT)
            )
            if one != other:
                differ.append((address, query, one, other))
    assert differ == []


def test_its_owner_gets_another_answer(mesh: World) -> None:
    client = mesh.ana.client()
    alike = {
        address
        for address, body in bodies(SECRET).items()
        if steady(told(client, "POST", at(address), body, SECRET))
        == steady(told(client, "POST", at(address), bodies(ABSENT)[address], ABSENT))
    }
    # a new product, a policy about a name, an event and a search do not ask whether it is there
    assert alike <= {"products", "policies/drafts", "/access/v1/search/resource",
                     "/access/v1/search/action",
                     "grants/break-glass", "lineage", "lineage/batch"}  # fmt: skip
