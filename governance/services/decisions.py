"""The one decision point. Everything that reads, writes, moves or shows asks here."""

from __future__ import annotations

from collections.abc import Sequence

from core.errors import FairmeshError, NotAuthenticated, PolicyDenied
from governance import denials, resources, shadow
from governance.engine import decision as engine
from governance.engine.entities import ANONYMOUS, Action, Decision, Principal, Resource, Situation
from governance.grants import permits_on
from governance.selectors import access_policies

_NOWHERE = Situation()


def decide(
    principal: Principal, action: Action, resource: Resource, situation: Situation = _NOWHERE
) -> Decision:
    """Return whether `principal` may do `action` on `resource`, and which policies say so."""
    return decide_each(principal, (action,), resource, situation)[action]


def decide_each(
    principal: Principal,
    actions: Sequence[Action],
    resource: Resource,
    situation: Situation = _NOWHERE,
) -> dict[Action, Decision]:
    """Return what `decide` says of each action; a principal's grants are read once for all."""
    policies = access_policies()
    permits = permits_on(principal, resource.name)
    own: dict[Action, Decision] = {}
    for action in actions:
        answer = engine.decide(policies, principal, action, resource, situation, permits)
        if shadow.is_due():
            question = shadow.Asked(principal, action, resource, situation)
            answer = shadow.checked(answer, question, policies, permits)
        own[action] = answer
    behind = principal.on_behalf_of
    if behind is None:
        return own
    theirs = decide_each(behind, actions, resource, situation)
    return {action: engine.both(own[action], theirs[action], behind.id) for action in own}


def require(
    principal: Principal, action: Action, resource: Resource, situation: Situation = _NOWHERE
) -> Decision:
    """Return the decision when it allows; raise what the caller may learn otherwise.

    NotFound when they may not even know of the resource; NotAuthenticated when nobody is signed
    in; else PolicyDenied with the deciding policies and the way forward.
    """
    answer = decide(principal, action, resource, situation)
    if answer.allow:
        return answer
    hidden = (
        action is Action.DISCOVER
        or not decide(principal, Action.DISCOVER, resource, situation).allow
    )
    raise _refusal(principal, action, resource, answer, hidden)


def _refusal(
    principal: Principal, action: Action, resource: Resource, answer: Decision, hidden: bool
) -> FairmeshError:
    error: FairmeshError
    if hidden and resource.type != "Mesh":
        error = resources.absent(resource.asked or resource.name)
    elif principal.id == ANONYMOUS.id:
        error = NotAuthenticated(f"Sign in to {action} {resource.name}.")
    else:
        may_ask = resource.type == "Product" and action in {Action.READ, Action.TRANSFORM}
        error = PolicyDenied(
            f"You may not {action} {resource.name}. {answer.reason}",
            action=str(action),
            name=resource.name,
            policies=list(answer.policies),
            request_access="/api/v1/access-requests" if may_ask else None,
        )
    denial = denials.Denial(principal, str(action), resource.name, answer, hidden)
    denials.attach(error, denial)
    return error
