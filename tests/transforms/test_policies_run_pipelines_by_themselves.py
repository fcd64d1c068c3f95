"""Services policies run pipelines over what is published: once a version, for who wrote them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.errors import InvalidSpec, NotFound, ObligationApplies, PolicyDenied
from governance.engine.entities import Action, Scope
from governance.models import AuditEntry, Membership, Policy
from governance.resources import load
from governance.services import decide, save_policy
from governance.services.policies import retire_policy
from governance.services.policy_lifecycle import draft_policy, validate_draft
from governance.services.simulation import simulate_policy
from tests.builders import deliver
from tests.transforms.by_policy import (
    ON_PUBLISH,
    own_all,
    publish,
    rule,
    runs_of,
    text_of,
)
from tests.transforms.mesh import CODE, OPERATOR, OWN, TOKENS, Mesh, drive
from transforms import services
from transforms.models import Run, RunState
from transforms.services.acting import actor_of


@pytest.fixture
def owned(mesh: Mesh) -> Mesh:
    return own_all(mesh)


def test_a_published_version_is_run_for_the_policys_writer(owned: Mesh) -> None:
    rule(owned, ON_PUBLISH)
    first = publish(owned, "first")
    deliver()
    (run,) = runs_of()
    assert (run.asked_by, run.on_behalf_of, run.policy) == ("service.policy.fresh", "ana", "fresh")
    assert run.input_version == first
    run = drive(run)
    assert (run.state, run.reason) == (RunState.DONE, "")
    entry = AuditEntry.objects.get(action="run-done")
    assert entry.principal == "service.policy.fresh"
    assert entry.on_behalf_of, "the person stands in the log as well"

    deliver()
    assert len(runs_of()) == 1, "its result is nobody's input"
    publish(owned, "second")
    deliver()
    assert [each.input_version.number for each in runs_of()] == [1, 2]


def test_a_pipeline_of_one_version_runs_over_no_other(owned: Mesh) -> None:
    owned.pipeline(name="pinned", version="v=2")
    rule(owned, {**ON_PUBLISH, "name": "pinned"})
    for marked in ("one", "two", "three"):
        publish(owned, marked)
    deliver()
    assert [run.input_version.number for run in runs_of("pinned")] == [2]


def test_the_newest_version_overtakes_what_has_not_begun(owned: Mesh) -> None:
    rule(owned, {"name": "clean", "on": ["new_version"]})
    publish(owned, "one")
    deliver()
    publish(owned, "two")
    deliver()
    old, new = runs_of()
    assert (old.state, old.reason_code) == (RunState.CANCELLED, "overtaken")
    assert (new.state, new.input_version.number) == (RunState.QUEUED, 2)


def test_two_policies_that_ask_for_the_same_run_get_one(owned: Mesh) -> None:
    rule(owned, ON_PUBLISH)
    rule(owned, ON_PUBLISH, slug="again")
    publish(owned, "first")
    deliver()
    (run,) = runs_of()
    assert run.policy == "again", "the first by name"


def test_who_lost_a_right_is_run_for_no_more(owned: Mesh) -> None:
    rule(owned, ON_PUBLISH)
    Membership.objects.filter(user=owned.users["ana"]).delete()
    publish(owned, "first")
    deliver()
    run = drive(runs_of()[0])
    assert (run.state, run.reason_code) == (RunState.FAILED, "policy_denied")
    assert "ana, for whom this agent acts, may not" in run.reason
    assert run.output_version is None

    owned.users["ana"].is_active = False
    owned.users["ana"].save()
    publish(owned, "second")
    deliver()
    run = drive(runs_of()[1])
    assert (run.state, run.reason_code) == (RunState.FAILED, "policy_denied")


def test_a_runner_carries_on_nothing_that_its_person_sees_masked(owned: Mesh) -> None:
    """The runner's own permit is unmasked; what counts is what both of them may see."""
    rule(owned, ON_PUBLISH)
    save_policy(
        OPERATOR,
        kind="access",
        slug="kept",
        text='@id("kept") @reason("For a test.") @mask("text=redact")\n'
        f'permit (principal == User::"ana", action == Action::"read", resource == '
        f'Product::"{CODE}");',
    )
    publish(owned, "first")
    deliver()
    run = drive(runs_of()[0])
    assert (run.state, run.reason_code) == (RunState.FAILED, "obligation_applies")
    with pytest.raises(ObligationApplies):
        rule(owned, {**ON_PUBLISH, "on": ["new_version"]})


def test_the_runner_may_do_nothing_beside_its_pipeline(owned: Mesh) -> None:
    """Another product of the same owner is as closed to it as to a stranger."""
    rule(owned, ON_PUBLISH)
    publish(owned, "first")
    deliver()
    actor = actor_of(runs_of()[0])
    may = {
        name: {str(action) for action in Action if decide(actor, action, load(name)).allow}
        for name in (CODE, TOKENS, OWN, "/nlp", "/")
    }
    assert may == {
        CODE: {"discover", "read", "transform"},
        TOKENS: {"discover", "write", "publish", "replicate"},
        OWN: set(),
        "/nlp": set(),
        "/": set(),
    }


def test_nobody_has_a_policy_do_what_they_may_not(owned: Mesh) -> None:
    spec = {"version": 1, "inputs": [{"name": CODE}], "output": {"name": TOKENS}}
    spec["steps"] = [{"filter": {"where": [{"column": "text", "min_chars": 3}]}}]
    with pytest.raises(PolicyDenied, match="publish /nlp/~/tokens"):
        save_policy(owned.carla, kind="services", text=text_of(ON_PUBLISH))
    narrow = replace(owned.ana, scopes=(Scope(frozenset({Action.ADMINISTER}), "/src"),))
    with pytest.raises((PolicyDenied, NotFound, InvalidSpec)):
        save_policy(narrow, kind="services", text=text_of(ON_PUBLISH))
    assert not Policy.objects.exists()


@pytest.mark.parametrize(
    ("asked", "where", "told"),
    [
        ({"name": "none", "on": ["publish"]}, {}, "There is no pipeline 'none'"),
        (ON_PUBLISH, {"prefix": "/nlp"}, "/src/~/code, which is not in the scope"),
    ],
)
def test_a_pipeline_that_cannot_run_is_refused_when_it_is_saved(
    owned: Mesh, asked: dict[str, Any], where: dict[str, str], told: str
) -> None:
    with pytest.raises(InvalidSpec, match=told) as refused:
        rule(owned, asked, **where)
    assert refused.value.extra["errors"][0]["where"] == f"spec.pipelines.{asked['name']}"
    assert not Policy.objects.exists()


def test_pipelines_that_set_each_other_off_are_refused(owned: Mesh) -> None:
    spec = {
        "version": 1,
        "inputs": [{"name": TOKENS, "schema": {"text": "string"}}],
        "steps": [{"filter": {"where": [{"column": "text", "min_chars": 3}]}}],
        "output": {"name": CODE},
    }
    services.save_pipeline(owned.ana, name="back", spec=spec)
    rule(owned, ON_PUBLISH)
    with pytest.raises(InvalidSpec, match="round for ever between /nlp/~/tokens, /src/~/code"):
        rule(owned, {"name": "back", "on": ["new_version"]}, slug="back", prefix="/nlp")
    rule(owned, {"name": "back", "on": ["schedule"], "every": "24h"}, slug="back", prefix="/nlp")


def test_a_simulation_tells_where_a_pipeline_would_run(owned: Mesh) -> None:
    policy = draft_policy(owned.ana, kind="services", text=text_of(ON_PUBLISH))
    validate_draft(owned.ana, policy.pk)
    result = simulate_policy(owned.ana, policy.pk).result
    assert result["products"]["sample"] == [
        {"name": CODE, "events": {"pipelines": {"before": [], "after": ["clean"]}}}
    ]


def test_what_a_policy_asks_for_no_more_does_not_begin(owned: Mesh) -> None:
    policy = rule(owned, ON_PUBLISH)
    publish(owned, "first")
    deliver()
    retire_policy(owned.ana, policy.pk)
    run = drive(runs_of()[0])
    assert (run.state, run.reason_code) == (RunState.FAILED, "policy_denied")
    assert "asks for it no more" in run.reason
    services.retry_run(owned.ana, run.pk)
    assert drive(run).state == RunState.DONE, "a person may run it all the same"
    assert Run.objects.get(pk=run.pk).policy == ""
