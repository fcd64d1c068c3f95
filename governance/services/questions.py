"""Questions about decisions: about oneself freely, about others by who answers for the thing."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from core.errors import FairmeshError, NotFound
from governance import resources
from governance.engine.entities import ANONYMOUS, Action, Decision, Principal, Resource, Situation
from governance.engine.explain import Finding, explain
from governance.engine.policyset import policy_of
from governance.grants import permits_on, permits_on_name
from governance.models import User
from governance.selectors import access_policies, principal_for
from governance.services.decisions import decide, require
from governance.who import who_can


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: may `principal` do `action` on what `name` names?"""

    principal: Principal
    action: Action
    name: str
    situation: Situation


def subject(actor: Principal, username: str) -> Principal:
    """Return the principal of that name as decisions see them; raise NotFound."""
    if username in {"", actor.id}:
        return actor
    if username == ANONYMOUS.id:
        return ANONYMOUS
    user = User.objects.filter(username=username, is_active=True).first()
    if user is None:
        raise NotFound(f"There is no {username!r}.", principal=username)
    return principal_for(user)


def answer(actor: Principal, asked: Asked) -> tuple[Resource, Decision]:
    """Return the decision; about someone else it is told to who administers the thing."""
    resource = resources.load(asked.name)
    require(actor, Action.DISCOVER, resource)
    if asked.principal != actor:
        require(actor, Action.ADMINISTER, resource)
    return resource, decide(asked.principal, asked.action, resource, asked.situation)


def explained(actor: Principal, asked: Asked) -> list[Finding]:
    """Return what each policy about the action says; raise as `answer` does.

    A member reads every access policy, so the findings tell nothing but what the texts tell.
    """
    resource, _ = answer(actor, asked)
    policies = [p for p in access_policies().program.policies if p.speaks_of(asked.action)]
    permits = permits_on(asked.principal, resource.name)
    granted = [policy_of(permit.as_json()) for permit in permits]
    return explain([*policies, *granted], asked.principal, asked.action, resource, asked.situation)


def who(actor: Principal, action: Action, name: str, situation: Situation) -> QuerySet[User]:
    """Return everyone who may do `action` on the thing, to who administers it."""
    resource = resources.load(name)
    require(actor, Action.ADMINISTER, resource)
    permits = permits_on_name(resource.name)
    return who_can(access_policies(), action, resource, situation, permits)


def why(user: User, action: Action, name: str, situation: Situation) -> Decision:
    """Return the decision about one of those whom `who` found."""
    return decide(principal_for(user), action, resources.load(name), situation)


def may(actor: Principal, asked: Asked) -> Decision:
    """Return the decision for a program that must have one: what may not be asked is a denial.

    So a hidden thing, an absent one and a question about others that is not the actor's to ask
    are all answered alike.
    """
    try:
        return answer(actor, asked)[1]
    except FairmeshError as error:
        return Decision(False, (), error.detail, access_policies().digest)
