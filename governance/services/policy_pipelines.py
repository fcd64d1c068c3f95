"""The pipelines that a services policy names: they are there, in its scope, and somebody's to run.

A pipeline that a policy runs acts for whoever wrote the text, so nobody writes one down that they
could not run themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from core.errors import InvalidSpec
from governance import pipelines, resources
from governance.engine.documents import Document, parse
from governance.engine.entities import Action, Principal, Resource, Situation
from governance.engine.pipeline_policies import Asked, Occasion, asked_for, circle
from governance.models import Policy, PolicyKind
from governance.pipelines import Way
from governance.services.decisions import require
from governance.services.obligations import require_unmasked
from governance.standing import Standing, in_force, pipelines_asked, replaced


def refuse_pipelines(actor: Principal, document: Document) -> None:
    """Raise InvalidSpec unless each pipeline is there, reads from the scope, and no two go round.

    What the actor may not know of is not there.
    """
    if document.kind != PolicyKind.SERVICES or "pipelines" not in document.spec:
        return
    asked = asked_for(document.id, document.spec)
    ways = pipelines.known([each.pipeline for each in asked])
    seen = _known_to(actor, ways.values())
    errors = [
        {"where": f"spec.pipelines.{each.pipeline}", "message": message}
        for each in asked
        for message in _wrong(document, each, ways.get(each.pipeline), seen)
    ]
    errors += [] if errors else _round(document)
    if errors:
        raise InvalidSpec(
            f"The policy names pipelines that it cannot run: {errors[0]['message']}", errors=errors
        )


def _known_to(actor: Principal, ways: Iterable[Way]) -> set[str]:
    names = {name for way in ways for name in way.names}
    return resources.visible_names(actor, Action.DISCOVER, names) if names else set()


def _wrong(document: Document, asked: Asked, way: Way | None, seen: set[str]) -> Iterator[str]:
    if way is None or not way.names <= seen:
        yield f"There is no pipeline {asked.pipeline!r}, or you may not know of it."
    elif not document.applies_to(way.source, resources.load(way.source).labels):
        yield (
            f"{asked.pipeline} reads {way.source}, which is not in the scope of the policy: "
            f"{_told(document)}. Widen the scope, or leave the pipeline out."
        )


def _told(document: Document) -> str:
    carrying = f" with {', '.join(document.labels)}" if document.labels else ""
    return f"{document.prefix}{carrying}"


def _round(document: Document) -> list[dict[str, str]]:
    """Return the error of pipelines that would set each other off for ever."""
    policies = replaced(in_force("services"), document.id, Standing.of(document))
    named = {p.pipeline for p in pipelines_asked(policies) if p.runs_on(Occasion.PUBLISH)}
    products = circle(
        (source, way.target) for way in pipelines.known(named).values() for source in way.sources
    )
    if not products:
        return []
    message = f"On publication, pipelines would go round for ever between {', '.join(products)}."
    return [{"where": "spec.pipelines", "message": message}]


def answer_for_pipelines(actor: Principal, policy: Policy) -> None:
    """Note for whom the policy's pipelines run; raise unless the actor may run each of them.

    With the token they hold: a text lives longer than a token, so it must not reach further.
    """
    policy.acts_for = (actor.on_behalf_of or actor).id
    if policy.kind != PolicyKind.SERVICES:
        return
    asked = asked_for(policy.slug, parse(policy.text).spec)
    ways = pipelines.known([each.pipeline for each in asked])
    for each in asked:
        if each.pipeline in ways:  # the others are refused by the check
            _require(actor, ways[each.pipeline], Situation(each.purpose))


def _require(actor: Principal, way: Way, situation: Situation) -> None:
    for name in way.sources:
        source: Resource = resources.load(name)
        require(actor, Action.TRANSFORM, source, situation)
        require_unmasked(
            actor, source, situation, "A policy cannot run a pipeline over what you may not see."
        )
    require(actor, Action.PUBLISH, resources.load(way.target))
