"""The list of pipelines is searched, and says of each how its last run stands."""

from __future__ import annotations

from typing import Any

import pytest

from governance.services import issue_token
from tests.transforms.mesh import CODE, TOKENS, Mesh, drive, lines

ROWS = [{"id": number, "text": f"text number {number}"} for number in range(3)]


@pytest.fixture
def listed(mesh: Mesh, client: Any) -> Any:
    """Return the list as someone sees it, by name."""

    def ask(who: str, **query: str) -> dict[str, Any]:
        _, secret = issue_token(mesh.users[who], getattr(mesh, who), title="t", days=1, scopes=None)
        told = client.get("/api/v1/pipelines", query, headers={"Authorization": f"Bearer {secret}"})
        return {each["name"]: each for each in told.json()["results"]}

    return ask


def test_the_last_run_is_told_with_its_state(mesh: Mesh, listed: Any) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    pipeline = mesh.pipeline()
    assert listed("ana")["clean"]["last_run"] is None
    first = drive(mesh.start(pipeline))
    told = listed("ana")["clean"]["last_run"]
    assert (told["id"], told["state"]) == (str(first.pk), "done")
    assert first.finished_at is not None
    assert told["at"] == first.finished_at.isoformat().replace("+00:00", "Z")
    mesh.publish({"a.jsonl": lines(ROWS[:2])})
    second = mesh.start(pipeline)
    told = listed("ana")["clean"]["last_run"]
    assert (told["id"], told["state"]) == (str(second.pk), "queued")
    assert told["at"] == second.created_at.isoformat().replace("+00:00", "Z")


def test_one_is_found_by_part_of_its_name_its_input_or_its_output(mesh: Mesh, listed: Any) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    mesh.pipeline(name="clean")
    mesh.pipeline(name="tidy")
    for text, found in (
        ("LEA", {"clean"}),
        ("tidy", {"tidy"}),
        (CODE[1:], {"clean", "tidy"}),
        (TOKENS[-4:], {"clean", "tidy"}),
        ("nothing", set()),
    ):
        assert set(listed("ana", q=text)) == found, text


def test_the_list_costs_the_same_for_many(
    mesh: Mesh, listed: Any, django_assert_max_num_queries: Any
) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    for number in range(12):
        pipeline = mesh.pipeline(name=f"clean-{number}")
        mesh.start(pipeline)
    with django_assert_max_num_queries(20):
        assert len(listed("ana")) == 12
