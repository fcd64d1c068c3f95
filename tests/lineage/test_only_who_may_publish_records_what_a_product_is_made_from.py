"""What a sender may say: about things elsewhere anything, about a product who may publish it."""

from __future__ import annotations

from typing import Any

import pytest

from lineage import services
from lineage.models import Edge, EventState, Node

OPEN, SECRET = "/acme/nlp/~/wiki", "/acme/nlp/~/zanzibar"
OURS = "fairmesh://demo"


def test_the_owner_may_and_others_may_not(world: Any, run_event: Any) -> None:
    event = run_event(["a"], [OPEN])
    refused = services.record(event, world.ben)
    assert refused.state == EventState.FLAGGED
    assert OPEN in refused.problem
    assert Edge.objects.count() == Node.objects.count() == 0
    applied = services.record(run_event(["a"], [OPEN], eventType="OTHER"), world.ana)
    assert applied.state == EventState.APPLIED
    assert Edge.objects.count() == 3


def test_a_refusal_is_the_same_for_a_hidden_and_an_absent_product(
    world: Any, run_event: Any
) -> None:
    reasons = {
        services.record(run_event([], [name]), world.ben).problem.replace(name, "X")
        for name in (SECRET, "/acme/nlp/~/absent")
    }
    assert len(reasons) == 1


def test_anyone_may_tell_of_things_elsewhere_and_of_reading(world: Any, run_event: Any) -> None:
    assert services.record(run_event([OPEN], ["mine"]), world.ben).state == EventState.APPLIED


def test_one_refused_event_does_not_stop_its_batch(world: Any, run_event: Any) -> None:
    rows = services.record_batch(
        [run_event(["a"], ["b"]), run_event(["a"], [SECRET]), run_event(["b"], ["c"])], world.ben
    )
    assert [row.state for row in rows] == ["applied", "flagged", "applied"]
    assert not Node.objects.filter(namespace=OURS).exists()


def through_a_symlink(build: Any) -> dict[str, Any]:
    event: dict[str, Any] = build(["a"], ["b"])
    event["outputs"][0]["facets"]["symlinks"] = {"identifiers": [{"namespace": OURS, "name": OPEN}]}
    return event


def through_an_inputs_symlink(build: Any) -> dict[str, Any]:
    event: dict[str, Any] = build(["a"], ["b"])
    event["inputs"][0]["facets"]["symlinks"] = {"identifiers": [{"namespace": OURS, "name": OPEN}]}
    return event


def through_an_entry(build: Any) -> dict[str, Any]:
    entry = {
        "namespace": OURS,
        "name": OPEN,
        "type": "DATASET",
        "inputs": [{"namespace": "pg", "name": "a", "type": "DATASET"}],
    }
    event: dict[str, Any] = build(["a"], ["b"])
    event["job"]["facets"] = {"lineage": {"entries": [entry]}}
    return event


def through_a_dataset_event(build: Any) -> dict[str, Any]:
    return {
        "eventTime": "2026-01-01T00:00:00Z",
        "dataset": {"namespace": OURS, "name": OPEN, "facets": {}},
    }


def as_a_job_of_ours(build: Any) -> dict[str, Any]:
    event: dict[str, Any] = build(["a"], ["b"], job={"namespace": OURS, "name": "replicate"})
    return event


def from_a_job_of_ours(build: Any) -> dict[str, Any]:
    event: dict[str, Any] = build(["a"], ["b"])
    event["outputs"][0]["facets"]["lineage"] = {
        "inputs": [{"namespace": OURS, "name": "replicate", "type": "JOB"}]
    }
    return event


WAYS = [
    through_a_symlink,
    through_an_inputs_symlink,
    through_an_entry,
    through_a_dataset_event,
    as_a_job_of_ours,
    from_a_job_of_ours,
]


@pytest.mark.parametrize("way", WAYS)
def test_there_is_no_way_around(world: Any, run_event: Any, way: Any) -> None:
    assert services.record(way(run_event), world.ben).state == EventState.FLAGGED
    assert Node.objects.count() == 0


def test_a_known_other_name_is_the_product_itself(world: Any, run_event: Any) -> None:
    services.record(through_a_symlink(run_event), world.ana)
    refused = services.record(run_event(["evil"], ["b"], run={"runId": "r9"}), world.ben)
    assert refused.state == EventState.FLAGGED
    applied = services.record(run_event(["evil"], ["b"], run={"runId": "r8"}), world.ana)
    assert applied.state == EventState.APPLIED
    assert Edge.objects.filter(dst__name=OPEN, kind="produces").get().count == 2


def test_who_only_reads_a_product_does_not_describe_it(world: Any, run_event: Any) -> None:
    event = run_event([OPEN], ["mine"])
    event["inputs"][0]["facets"]["documentation"] = {"description": "nonsense"}
    services.record(event, world.ben)
    assert Node.objects.get(name=OPEN).attrs == {}
