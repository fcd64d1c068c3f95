"""Teams, their members, and who answers for what a team runs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from django.db import transaction

from core.errors import Conflict, Invalid, NotAuthenticated, NotFound, PolicyDenied
from governance import audit, denials
from governance.engine.entities import (
    ANONYMOUS,
    MESH,
    Action,
    Decision,
    Principal,
    Resource,
)
from governance.models import Membership, PrincipalKind, Team, TeamRole, User
from governance.services.decisions import decide, require

MAX_COMPONENT = 64
"""Characters of a component of a name; what is cut off a long slug is only told, never matched."""
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def manage(actor: Principal, team: str) -> Decision:
    """Return the decision that lets `actor` manage what `team` runs: its owners and operators may.

    To the policies a team is a domain that it owns, so that the one that lets owners manage what
    is theirs decides here too. A token with scopes manages nobody: what it may do to names says
    nothing of people. Raises PolicyDenied, or NotAuthenticated for nobody.
    """
    if actor.scopes is not None:
        raise Invalid("A token with scopes manages no teams and no machines; sign in to do it.")
    resource = _as_domain(team)
    answer = decide(actor, Action.ADMINISTER, resource)
    if answer.allow:
        return answer
    error: NotAuthenticated | PolicyDenied
    if actor.id == ANONYMOUS.id:
        error = NotAuthenticated("Sign in to manage teams and what they run.")
    else:
        error = PolicyDenied(
            f"Owners of the team {team} and operators may do this. {answer.reason}",
            action=str(Action.ADMINISTER),
            policies=list(answer.policies),
        )
    denial = denials.Denial(actor, str(Action.ADMINISTER), resource.name, answer, hidden=False)
    denials.attach(error, denial)
    raise error


def manages(actor: Principal, team: str) -> bool:
    """Say whether `actor` manages what the team runs, without a trace in the log."""
    return actor.scopes is None and decide(actor, Action.ADMINISTER, _as_domain(team)).allow


def _as_domain(team: str) -> Resource:
    return Resource("Domain", f"/team.{team}"[: 1 + MAX_COMPONENT], team=team)


def team_named(slug: str) -> Team:
    """Return the team; raise NotFound."""
    team = Team.objects.filter(slug=slug).first()
    if team is None:
        raise NotFound(f"There is no team {slug!r}.")
    return team


@transaction.atomic
def create_team(
    actor: Principal, *, slug: str, title: str, members: Sequence[Mapping[str, str]]
) -> Team:
    """Create a team with its members (`username`, `role`), or raise with what is wrong."""
    decision = require(actor, Action.ADMINISTER, MESH)
    if not _SLUG.fullmatch(slug):
        raise Invalid(f"{slug!r} cannot be a team's name: use a-z, 0-9 and '-'.")
    if Team.objects.filter(slug=slug).exists():
        raise Conflict(f"There is already a team {slug!r}.")
    team = Team.objects.create(slug=slug, title=title)
    for member in members:
        _check_role(member["role"])
        user = _user_named(member["username"])
        Membership.objects.create(team=team, user=user, role=member["role"])
    audit.record(actor, "create-team", slug, decision, members=[dict(m) for m in members])
    return team


@transaction.atomic
def add_member(actor: Principal, team: str, *, username: str, role: str) -> Membership:
    """Make someone a member or an owner of the team, or change which of the two they are.

    Raises Conflict when the team would be left without an owner.
    """
    decision = manage(actor, team)
    _check_role(role)
    held = _held(team)
    user = _user_named(username)
    membership, _ = Membership.objects.update_or_create(
        team=held, user=user, defaults={"role": role}
    )
    _keep_an_owner(held)
    audit.record(actor, "add-member", f"team {team}", decision, username=username, role=role)
    return membership


@transaction.atomic
def remove_member(actor: Principal, team: str, username: str) -> None:
    """Take someone out of the team; raise Conflict when it would be left without an owner."""
    decision = manage(actor, team)
    held = _held(team)
    gone, _ = Membership.objects.filter(team=held, user__username=username).delete()
    if not gone:
        raise NotFound(f"{username!r} is no member of the team {team!r}.")
    _keep_an_owner(held)
    audit.record(actor, "remove-member", f"team {team}", decision, username=username)


def _held(slug: str) -> Team:
    """Return the team, locked: two owners who leave at once must not both be let go."""
    return Team.objects.select_for_update().get(pk=team_named(slug).pk)


def _keep_an_owner(team: Team) -> None:
    """Raise Conflict unless a person owns the team; a machine cannot answer for it."""
    owners = team.memberships.filter(role=TeamRole.OWNER, user__kind=PrincipalKind.PERSON)
    if not owners.exists():
        raise Conflict(f"The team {team.slug!r} would have no owner; make someone else one first.")


def _check_role(role: str) -> None:
    if role not in TeamRole.values:
        raise Invalid(f"A role is one of {', '.join(TeamRole.values)}.", role=role)


def _user_named(username: str) -> User:
    user = User.objects.filter(username=username).first()
    if user is None:
        raise NotFound(f"There is no user {username!r}.")
    return user
