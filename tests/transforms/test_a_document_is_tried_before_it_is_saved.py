"""A document is checked, planned and sampled as it is written; nothing of it is kept."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from catalog.models import Product
from governance.models import AuditEntry
from governance.services import issue_token, revoke_grant
from tests.transforms.mesh import CODE, OWN, TOKENS, Mesh, lines
from transforms.models import Pipeline, Run

ROWS = [{"id": number, "text": f"text number {number}"} for number in range(30)]
TEXT = """\
version: 1
inputs:
  - name: /src/~/code
steps:
  - filter: {where: [{column: text, min_chars: 14}]}
output:
  name: /nlp/~/tokens
"""
VERBS = ("check", "plan", "sample")


def client_of(mesh: Mesh, who: str) -> Client:
    _, secret = issue_token(mesh.users[who], getattr(mesh, who), title="t", days=1, scopes=None)
    return Client(headers={"Authorization": f"Bearer {secret}"})


@pytest.fixture
def api(mesh: Mesh) -> Client:
    """Ana's client; the input is not published yet."""
    return client_of(mesh, "ana")


def post(api: Client, verb: str, text: str = TEXT, **more: Any) -> Any:
    body = {"text": text, **more}
    return api.post(f"/api/v1/pipelines/{verb}", body, content_type="application/json")


def test_a_document_is_checked_planned_and_sampled_and_nothing_is_kept(
    mesh: Mesh, api: Client
) -> None:
    mesh.publish({"a.jsonl": lines(ROWS) + b"{broken\n"})
    assert post(api, "check").json() == {"problems": [], "not_compared": ""}
    plan = post(api, "plan").json()
    assert [each["step"] for each in plan["schemas"]] == ["input", "steps[0].filter"]
    assert {each["action"]: each["allow"] for each in plan["verdicts"]} == {
        "transform": True,
        "publish": True,
    }
    sample = post(api, "sample", rows=12).json()
    assert "steps[0].filter" in sample["rows"][0]["dropped_by"]
    assert sample["rows"][11]["after"] == ROWS[11]
    assert not Pipeline.objects.exists()
    assert not Run.objects.exists()
    assert AuditEntry.objects.filter(action="sample", name=f"{CODE}/v=1").count() == 1


def test_the_same_document_saved_gives_the_same_plan_and_sample(mesh: Mesh, api: Client) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    saved = api.post(
        "/api/v1/pipelines", {"name": "p", "text": TEXT}, content_type="application/json"
    ).json()
    for verb in ("plan", "sample"):
        kept = api.post(f"/api/v1/pipelines/{saved['id']}/{verb}", {}, "application/json")
        assert post(api, verb).json() == kept.json()


@pytest.mark.parametrize(
    ("text", "where", "line", "suggestion"),
    [
        (
            TEXT.replace("min_chars", "min_char"),
            "steps[0].filter.where[0].min_char",
            5,
            "min_chars",
        ),
        (TEXT.replace("column: text", "column: txt"), "steps[0].filter.where[0].column", 5, "text"),
        (TEXT.replace("tokens", "tokens\n  nane: x"), "output.nane", 8, "name"),
        (TEXT.replace("/nlp/~/tokens", "/src/~/code"), "output.name", 7, None),
        ("version: [", "", 1, None),
    ],
)
def test_a_problem_is_told_with_its_line(
    mesh: Mesh, api: Client, text: str, where: str, line: int, suggestion: str | None
) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    if "name: /src/~/code\n" in text.partition("output:")[2]:
        api = client_of(mesh, "carla")  # who may publish the input's next version
    found = post(api, "check", text).json()
    told = {each["where"]: each for each in found["problems"]}
    assert (told[where]["line"], told[where]["suggestion"]) == (line, suggestion)
    for refused in (
        post(api, "plan", text),
        post(api, "sample", text),
        api.post("/api/v1/pipelines", {"name": "p", "text": text}, "application/json"),
    ):
        assert refused.status_code == 422
        assert refused.json()["errors"] == found["problems"]


def test_a_decoded_document_has_no_lines(api: Client) -> None:
    body = {"spec": {"version": 1, "inputs": [], "steps": [], "output": {"name": TOKENS}}}
    found = api.post("/api/v1/pipelines/check", body, "application/json").json()
    assert {each["line"] for each in found["problems"]} == {None}


def test_without_a_published_input_it_says_that_columns_were_not_compared(api: Client) -> None:
    found = post(api, "check", TEXT.replace("column: text", "column: nothing")).json()
    assert found["problems"] == []
    assert CODE in found["not_compared"]


def test_who_may_not_publish_the_output_is_told_by_the_verdict(mesh: Mesh, api: Client) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    carla = client_of(mesh, "carla")
    assert post(carla, "check").status_code == 403
    verdicts = {each["action"]: each["allow"] for each in post(carla, "plan").json()["verdicts"]}
    assert verdicts == {"transform": True, "publish": False}
    assert post(carla, "sample").status_code == 200


def test_who_may_not_use_the_input_is_refused(mesh: Mesh, api: Client) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    revoke_grant(mesh.carla, mesh.grant.pk)
    assert {verb: post(api, verb).status_code for verb in VERBS} == dict.fromkeys(VERBS, 403)
    assert {verb: post(Client(), verb).status_code for verb in VERBS} == dict.fromkeys(VERBS, 401)
    assert not AuditEntry.objects.filter(action="sample").exists()


@pytest.mark.parametrize("verb", VERBS)
def test_a_hidden_output_is_as_good_as_none(mesh: Mesh, verb: str) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    ben, carla = client_of(mesh, "ben"), client_of(mesh, "carla")
    Product.objects.filter(name=OWN).update(visibility="team")
    for client in (ben, carla):
        hidden, absent = (
            post(client, verb, TEXT.replace("/nlp/~/tokens", name)) for name in (OWN, "/nlp/~/none")
        )
        assert hidden.status_code == absent.status_code
        assert hidden.content.replace(b"own", b"none") == absent.content
    assert post(carla, verb, TEXT.replace("/nlp/~/tokens", OWN)).status_code == 404
