"""Reads of governance: who a caller is, what they may see, what the policies ask for."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from django.contrib.auth.models import Group
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model, Q
from django.utils import timezone

from core.errors import NotAuthenticated, TokenExpired
from core.prepared import Prepared
from governance import resources
from governance.engine import obligations
from governance.engine.entities import (
    Action,
    Principal,
    Scope,
    Situation,
    owners_of,
)
from governance.engine.permits import ANY_PURPOSE
from governance.engine.policyset import PolicySet, policy_of, policy_set
from governance.engine.program import Slice, rules_of
from governance.grants import permits_of
from governance.labelling import strongest
from governance.last_use import last_read, last_reads
from governance.models import (
    AccessRequest,
    ApiToken,
    Label,
    Membership,
    Policy,
    PolicyKind,
    PolicyState,
    RequestState,
    TeamRole,
    User,
)
from governance.pushdown import Fields, to_q
from governance.standing import (
    naming_of,
    pipelines_for,
    pipelines_scheduled,
    protection_of,
    services_for,
)

_Row = TypeVar("_Row", bound=Model)

__all__ = [
    "last_read",
    "last_reads",
    "naming_of",
    "pipelines_for",
    "pipelines_scheduled",
    "protection_of",
    "services_for",
]

_POLICIES = Path(__file__).parent / "policies"


@cache
def schema_text() -> str:
    return (_POLICIES / "schema.cedarschema").read_text()


@cache
def default_policies() -> str:
    return (_POLICIES / "default.cedar").read_text()


_MEMBERSHIPS = Prepared(
    lambda username: Membership.objects.filter(user__username=username).values_list(
        "team__slug", "role"
    )
)
_GROUPS = Prepared(
    lambda username: Group.objects.filter(user__username=username).values_list("name")
)


def principal_for(user: User, token: ApiToken | None = None) -> Principal:
    """Return what decisions see of a user: groups, teams, roles, and the token's scopes.

    Of a delegation it is the agent, with the person for whom it acts.
    """
    memberships = _MEMBERSHIPS(user.username)
    groups = {"members"} | ({"operators"} if user.is_operator else set())
    groups |= {group for (group,) in _GROUPS(user.username)}
    person = None if token is None else token.on_behalf_of
    scopes = None
    if token is not None and token.scopes is not None:
        scopes = tuple(
            Scope(frozenset(Action(action) for action in scope["actions"]), scope["prefix"])
            for scope in token.scopes
        )
    return Principal(
        id=user.username,
        groups=frozenset(groups),
        teams=frozenset(slug for slug, _ in memberships),
        roles=frozenset(owners_of(slug) for slug, role in memberships if role == TeamRole.OWNER),
        scopes=scopes,
        kind=user.kind,
        on_behalf_of=None if person is None else principal_for(person),
    )


def tokens_of(user: User, used: ApiToken | None) -> Q:
    """One's own tokens and the delegations one gave. A delegation, or a token with scopes, tells
    of itself alone."""
    if used is not None and (used.on_behalf_of_id is not None or used.scopes is not None):
        return Q(pk=used.pk)
    return Q(user=user, on_behalf_of__isnull=True) | Q(on_behalf_of=user)


def token_digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _columns(model: type[Model]) -> tuple[str, ...]:
    return tuple(field.attname for field in model._meta.concrete_fields)


_TOKENS = Prepared(
    lambda digest: ApiToken.objects.filter(digest=digest).values_list(
        *_columns(ApiToken),
        *(f"{of}__{column}" for of in ("user", "on_behalf_of") for column in _columns(User)),
    )
)


def _token_with(digest: str) -> ApiToken | None:
    """Return the token of a digest with its user and the person for whom it acts, or None."""
    found = _TOKENS(digest)
    if not found:
        return None
    values = iter(found[0])
    token = _made(ApiToken, values)
    token.user = _made(User, values)
    if token.on_behalf_of_id is not None:
        token.on_behalf_of = _made(User, values)
    return token


def _made(model: type[_Row], values: Iterator[Any]) -> _Row:
    """Return a row whose columns are the next of the values."""
    columns = _columns(model)
    return model.from_db(DEFAULT_DB_ALIAS, columns, list(islice(values, len(columns))))


def token_of(secret: str) -> ApiToken:
    """Return the live token; raise TokenExpired or NotAuthenticated, saying no more than that."""
    token = _token_with(token_digest(secret))
    people = [] if token is None else [token.user, token.on_behalf_of]
    if token is None or token.revoked_at or not all(p.is_active for p in people if p):
        raise NotAuthenticated("The token is not known or was revoked.")
    if token.expires_at <= timezone.now():
        raise TokenExpired(
            f"The token {token.title!r} expired at {token.expires_at:%Y-%m-%d %H:%M} UTC."
        )
    return token


PURPOSES = (ANY_PURPOSE, *obligations.PURPOSES)


_ACCESS = Prepared(
    lambda: (
        Policy.objects.filter(kind=PolicyKind.ACCESS, state=PolicyState.ACTIVE)
        .order_by("slug")
        .values_list("slug", "digest")
    )
)


def access_policies(replacing: Policy | None = None) -> PolicySet:
    """Return the default and the stored active access policies. One query, of digests alone.

    With `replacing` it is the set as it would be with that document in force.
    """
    in_force = _ACCESS()
    if replacing is None:
        return _policies_of(tuple(in_force))
    standing = dict(in_force)
    standing.pop(replacing.slug, None)
    texts = _texts_of(tuple(standing.items())) | {replacing.slug: replacing.text}
    return _joined(texts)


@lru_cache(maxsize=16)
def _policies_of(standing: tuple[tuple[str, str], ...]) -> PolicySet:
    """Return the set of some documents, by slug and digest: what a digest names never changes."""
    return _joined(_texts_of(standing))


def _texts_of(standing: Sequence[tuple[str, str]]) -> dict[str, str]:
    rows = Policy.objects.filter(
        kind=PolicyKind.ACCESS,
        slug__in=[slug for slug, _ in standing],
        digest__in=[digest for _, digest in standing],
    )
    found = {(row.slug, row.digest): row.text for row in rows.only("slug", "digest", "text")}
    return {slug: found[slug, digest] for slug, digest in standing}


def _joined(texts: Mapping[str, str]) -> PolicySet:
    in_order = [texts[slug] for slug in sorted(texts)]
    return policy_set("\n".join([default_policies(), *in_order]), schema_text())


def visible(
    principal: Principal, action: Action, fields: Fields, situation: Situation | None = None
) -> Q:
    """Return the filter under which `principal` may do `action` on the rows of a table.

    This is the list form of `decide`: the same policy text, so a list, a count or a search never
    shows what the page of the thing would refuse.
    """
    return visible_under(access_policies(), principal, action, fields, situation)


def visible_under(
    policies: PolicySet,
    principal: Principal,
    action: Action,
    fields: Fields,
    situation: Situation | None = None,
) -> Q:
    """Return the filter as `visible` does, under these policies and the principal's live grants."""
    at = situation or Situation()
    rules = policies.program.slice(principal, action, fields.type, at).rules
    grants = (policy_of(permit.as_json()) for permit in permits_of(principal))
    granted = tuple(rules_of(grants, principal, action, fields.type, at))
    allowed = to_q(Slice(rules + granted).condition(), fields)
    if principal.on_behalf_of is not None:
        allowed &= visible_under(policies, principal.on_behalf_of, action, fields, situation)
    return allowed & _covered(principal, action, fields)


def _covered(principal: Principal, action: Action, fields: Fields) -> Q:
    """Return the filter for what the scopes of a token cover."""
    if principal.scopes is None:
        return Q()
    covered = Q(pk__in=[])
    for scope in principal.scopes:
        if action in scope.actions:
            covered |= (
                ~Q(pk__in=[])  # not Q(), which in an OR stands for nothing at all
                if scope.prefix == "/"
                else Q(**{fields.name: scope.prefix})
                | Q(**{f"{fields.name}__startswith": scope.prefix + "/"})
            )
    return covered


_LABELS = Prepared(lambda name: Label.objects.live().filter(name=name).values_list("label"))


def label_names_of(name: str) -> list[str]:
    """Return which labels are in force on a product or any of its columns, in order."""
    return sorted({label for (label,) in _LABELS(name)})


def labels_of(name: str) -> list[Label]:
    """Return the labels in force, by column; of several origins of one the nearest to a person."""
    return strongest(Label.objects.filter(name=name, removed_at__isnull=True))


def pending_requests() -> list[AccessRequest]:
    return list(AccessRequest.objects.filter(state=RequestState.PENDING).select_related("user"))


_NAMED = re.compile(r"(?:/[a-z0-9][a-z0-9._-]*)+/~/[a-z0-9][a-z0-9._-]*")


def visible_policies(principal: Principal) -> Q:
    """Members read every policy but those that name a product they may not know of."""
    named = {
        row.pk: set(_NAMED.findall(f"{row.prefix}\n{row.text}"))
        for row in Policy.objects.only("prefix", "text")
    }
    now = {name: resources.current_name(name) for name in set().union(*named.values())}
    there = {name for name in now.values() if name is not None}
    seen = resources.visible_names(principal, Action.DISCOVER, there) if there else set()
    hidden = {name for name, current in now.items() if current is not None and current not in seen}
    return ~Q(pk__in=[pk for pk, names in named.items() if names & hidden])
