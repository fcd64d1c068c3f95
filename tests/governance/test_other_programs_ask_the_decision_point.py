"""AuthZEN 1.0: the same decisions for programs that enforce elsewhere, and no more told."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from governance.engine.entities import Action
from tests.builders import Person, World
from tests.governance.conftest import OPEN, SECRET, WIKI

pytestmark = pytest.mark.django_db


def ask(client: Client, path: str, **body: Any) -> Any:
    answer = client.post(f"/access/v1/{path}", body, content_type="application/json")
    assert answer.status_code == 200, answer.content
    return answer.json()


def subject(name: str, kind: str = "user") -> dict[str, str]:
    return {"type": kind, "id": name}


def product(name: str) -> dict[str, str]:
    return {"type": "product", "id": name}


READ = {"name": "read"}


def reading(caller: Person, who: str, name: str, path: str = "evaluation") -> Any:
    body = {"subject": subject(who), "action": READ, "resource": product(name)}
    return ask(caller.client(), path, **body)


def test_a_verdict_carries_the_reason_and_the_policies(world: World) -> None:
    found = ask(
        world.ben.client(),
        "evaluation",
        subject=subject("ben"),
        action=READ,
        resource=product(OPEN),
    )
    assert found["decision"] is True
    assert found["context"]["policies"] == ["open-data-is-read"]
    assert found["context"]["policy_set"].startswith("sha256:")
    found = ask(
        world.ben.client(),
        "evaluation",
        subject=subject("ben"),
        action=READ,
        resource=product(WIKI),
    )
    assert found["decision"] is False
    assert "No policy permits read" in found["context"]["reason"]


@pytest.mark.parametrize(
    ("who", "what"),
    [
        (subject("ana"), product(WIKI)),
        (subject("nobody"), product(OPEN)),
        (subject("ben", "agent"), product(OPEN)),
        (subject("ben", "robot"), product(OPEN)),
        (subject("ben"), {"type": "domain", "id": OPEN}),
        (subject("ben"), {"type": "file", "id": OPEN}),
        (subject("ben"), product("/no/~/such")),
        (subject("ben"), product("no name at all")),
    ],
)
def test_what_may_not_be_asked_is_a_denial(
    world: World, who: dict[str, str], what: dict[str, str]
) -> None:
    found = ask(world.ben.client(), "evaluation", subject=who, action=READ, resource=what)
    assert found["decision"] is False


def test_a_hidden_product_is_denied_as_an_absent_one(world: World) -> None:
    answers = [
        ask(world.ben.client(), "evaluation", subject=subject("ben"), action=READ,
            resource=product(name))
        for name in (SECRET, "/acme/nlp/~/absent")
    ]  # fmt: skip
    said = [
        str(answer).replace(SECRET, "X").replace("/acme/nlp/~/absent", "X") for answer in answers
    ]
    assert said[0] == said[1]


def test_an_owner_asks_about_others(world: World) -> None:
    found = ask(
        world.ana.client(),
        "evaluation",
        subject=subject("ben"),
        action=READ,
        resource=product(WIKI),
    )
    assert found["decision"] is False
    found = ask(
        world.ana.client(),
        "evaluation",
        subject=subject("ana"),
        action=READ,
        resource=product(WIKI),
    )
    assert found["decision"] is True


def test_many_questions_share_what_they_have_in_common(world: World) -> None:
    each = [{"resource": product(name)} for name in (WIKI, OPEN, WIKI)]
    asked = {"subject": subject("ben"), "action": READ, "evaluations": each}
    found = ask(world.ben.client(), "evaluations", **asked)
    assert [one["decision"] for one in found["evaluations"]] == [False, True, False]
    for semantic, expected in {
        "deny_on_first_deny": [False],
        "permit_on_first_permit": [False, True],
    }.items():
        options = {"evaluations_semantic": semantic}
        found = ask(world.ben.client(), "evaluations", **asked, options=options)
        assert [one["decision"] for one in found["evaluations"]] == expected
    found = ask(
        world.ben.client(),
        "evaluations",
        subject=subject("ben"),
        action=READ,
        resource=product(OPEN),
    )
    assert found["decision"] is True, "without a list it is one question"


def test_search_finds_things_people_and_actions_page_by_page(world: World) -> None:
    client = world.ana.client()
    found: list[str] = []
    token = None
    while token != "":
        page = {"limit": 1, **({} if token is None else {"token": token})}
        answer = ask(client, "search/resource", subject=subject("ana"), action=READ,
                     resource={"type": "product"}, page=page)  # fmt: skip
        found += [row["id"] for row in answer["results"]]
        token = answer["page"]["next_token"]
    assert found == sorted([WIKI, OPEN, SECRET])
    answer = ask(client, "search/subject", subject={"type": "user"}, action=READ,
                 resource=product(WIKI))  # fmt: skip
    assert [row["id"] for row in answer["results"]] == ["ana"]
    answer = ask(client, "search/action", subject=subject("ana"), resource=product(WIKI))
    assert {row["name"] for row in answer["results"]} == set(Action)


def test_search_tells_no_stranger_of_anything_hidden(world: World) -> None:
    client = world.ben.client()
    answer = ask(client, "search/resource", subject=subject("ben"), action={"name": "discover"},
                 resource={"type": "product"})  # fmt: skip
    assert [row["id"] for row in answer["results"]] == sorted([OPEN, WIKI])
    for who in ("ana", "nobody"):
        answer = ask(client, "search/resource", subject=subject(who), action=READ,
                     resource={"type": "product"})  # fmt: skip
        assert answer["results"] == []
    answer = ask(client, "search/subject", subject={"type": "user"}, action=READ,
                 resource=product(SECRET))  # fmt: skip
    assert answer == {"results": [], "page": {"next_token": ""}}


def test_who_is_not_signed_in_gets_no_verdict(world: World) -> None:
    body = {"subject": subject("ben"), "action": READ, "resource": product(OPEN)}
    answer = Client().post("/access/v1/evaluation", body, content_type="application/json")
    assert answer.status_code == 401
    answer = world.ben.client().post(
        "/access/v1/evaluation", {"subject": subject("ben")}, content_type="application/json"
    )
    assert answer.status_code == 400


def test_programs_find_the_addresses(world: World) -> None:
    found = Client().get("/.well-known/authzen-configuration").json()
    assert found["access_evaluation_endpoint"] == (
        found["policy_decision_point"] + "/access/v1/evaluation"
    )
