"""Groups of the mesh: what policies speak of that crosses teams. Operators keep them."""

from __future__ import annotations

import re

from django.contrib.auth.models import Group
from django.db import transaction

from core.errors import Conflict, Invalid, NotFound
from governance import audit
from governance.engine.entities import MESH, Action, Principal
from governance.models import User
from governance.services.decisions import require

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
RESERVED = frozenset({"members", "operators", "services"})
"""Groups that follow from what a principal is; nobody is put into them."""


@transaction.atomic
def create_group(actor: Principal, *, name: str) -> Group:
    """Create an empty group. Operators only."""
    decision = require(actor, Action.ADMINISTER, MESH)
    if not _NAME.fullmatch(name):
        raise Invalid(f"{name!r} cannot be a group's name: use a-z, 0-9 and '-', 64 at most.")
    if name in RESERVED:
        raise Invalid(f"{name!r} is a group that the mesh keeps itself.")
    if Group.objects.filter(name=name).exists():
        raise Conflict(f"There is already a group {name!r}.")
    group = Group.objects.create(name=name)
    audit.record(actor, "create-group", f"group {name}", decision)
    return group


@transaction.atomic
def add_to_group(actor: Principal, name: str, username: str) -> Group:
    """Put a principal into the group; decisions see it at the next request."""
    decision = require(actor, Action.ADMINISTER, MESH)
    group, user = _group(name), _user(username)
    user.groups.add(group)
    audit.record(actor, "add-to-group", f"group {name}", decision, username=username)
    return group


@transaction.atomic
def remove_from_group(actor: Principal, name: str, username: str) -> None:
    """Take a principal out of the group; decisions see it at the next request."""
    decision = require(actor, Action.ADMINISTER, MESH)
    group, user = _group(name), _user(username)
    user.groups.remove(group)
    audit.record(actor, "remove-from-group", f"group {name}", decision, username=username)


def _group(name: str) -> Group:
    group = Group.objects.filter(name=name).first()
    if group is None:
        raise NotFound(f"There is no group {name!r}.")
    return group


def _user(username: str) -> User:
    user = User.objects.filter(username=username).first()
    if user is None:
        raise NotFound(f"There is no user {username!r}.")
    return user
