"""The third form of a decision: who may? The person is the unknown, and the answer is a filter.

The same policy text as `decide` and `visible`; see engine/residual.py. What it finds, `decide`
allows, and it misses nobody: a test holds them equal.
"""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.db.models import Exists, OuterRef, Q, QuerySet

from governance.engine.conditions import (
    All,
    Condition,
    Equals,
    Not,
    OneOf,
    Some,
    Within,
)
from governance.engine.entities import Action, Resource, Situation
from governance.engine.permits import Permit
from governance.engine.policyset import PolicySet, policy_of
from governance.engine.residual import Unpushable
from governance.engine.uids import Uid
from governance.models import Membership, TeamRole, User

_NOBODY = Q(pk__in=[])
_EVERYONE = ~_NOBODY


def who_can(
    policies: PolicySet,
    action: Action,
    resource: Resource,
    situation: Situation,
    permits: list[Permit],
) -> QuerySet[User]:
    """Return the active users who may do `action` on the resource, in their own name.

    `permits` are all live grants on it. An agent counts by what it may do for nobody; a token's
    scope is not looked at, since it belongs to a request. Raises Unpushable if a policy compares
    what a list of people cannot be filtered by.
    """
    granted = [policy_of(permit.as_json()) for permit in permits]
    condition = policies.program.who(action, resource, situation, granted)
    return User.objects.filter(_people(condition), is_active=True)


def _people(condition: Condition) -> Q:
    match condition:
        case True:
            return _EVERYONE
        case False:
            return _NOBODY
        case Within(uid):
            return _belongs(uid)
        case Equals("kind", value):
            return Q(kind=value)
        case Equals("delegated", value):
            return _NOBODY if value else _EVERYONE
        case OneOf("kind", values):
            return Q(kind__in=sorted(values))
        case Not(of):
            return ~_people(of)
        case All(parts):
            result = _EVERYONE
            for part in parts:
                result &= _people(part)
            return result
        case Some(parts):
            return _any_of(parts)
    raise Unpushable(f"People cannot be filtered by {condition!r}.", errors=[])


def _any_of(parts: tuple[Condition, ...]) -> Q:
    """Users one by one are one list: a thousand grants must not be a thousand ORs deep."""
    named = [part.uid.id for part in parts if isinstance(part, Within) and _is_user(part)]
    result = Q(username__in=named) if named else _NOBODY
    for part in parts:
        if not _is_user(part):
            result |= _people(part)
    return result


def _is_user(part: Condition) -> bool:
    return isinstance(part, Within) and part.uid.type == "User"


def _belongs(uid: Uid) -> Q:
    match uid.type, uid.id:
        case "User", username:
            return Q(username=username)
        case "Team", slug:
            return _member(Q(team__slug=slug))
        case "Role", role:
            slug, _, kind = role.rpartition("/")
            return _member(Q(team__slug=slug, role=kind)) if kind == TeamRole.OWNER else _NOBODY
        case "Group", "members":
            return _EVERYONE
        case "Group", "operators":
            return Q(is_operator=True)
        case "Group", name:
            named = Group.objects.filter(name=name, user=OuterRef("pk"))
            return Q(Exists(named))
    return _NOBODY


def _member(which: Q) -> Q:
    return Q(Exists(Membership.objects.filter(which, user=OuterRef("pk"))))
