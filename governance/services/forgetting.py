"""Forgetting a person: the account is closed and the log no longer tells who they were."""

from __future__ import annotations

import secrets

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db import transaction
from django.db.models import Q

from core.errors import Conflict, NotFound
from core.models import IdempotencyRecord
from governance import audit
from governance.engine.entities import MESH, Action, Principal
from governance.models import (
    AccessRequest,
    ClearText,
    Grant,
    Label,
    LastRead,
    Membership,
    Policy,
    ReadMeter,
    RequestComment,
    User,
)
from governance.services.decisions import require
from governance.services.metering import write_meters
from governance.services.principals import set_active


@transaction.atomic
def erase_person(actor: Principal, username: str) -> str:
    """Close the account and take the person out of the audit log; return what they are called now.

    Operators only. Every entry stays, with a commitment that nothing opens any more, so the log
    still verifies. What was signed before, as the publisher of a version, cannot be unsigned.
    """
    decision = require(actor, Action.ADMINISTER, MESH)
    if username == actor.id:
        raise Conflict("Nobody erases themselves; ask another operator.")
    user = User.objects.select_for_update(of=("self",)).filter(username=username).first()
    if user is None and not ClearText.objects.filter(of=username).exists():
        raise NotFound(f"Nothing is kept of {username!r}.")
    alias = f"erased-{secrets.token_hex(6)}"
    if user is not None:
        set_active(actor, username, active=False)
        _close(user, alias)
    _forget_reads(username)
    texts, _ = ClearText.objects.filter(of=username).delete()
    audit.record(actor, "erase-person", alias, decision, texts=texts)
    return alias


def _close(user: User, alias: str) -> None:
    for table in (EmailAddress, SocialAccount, Authenticator, Membership):
        table._default_manager.filter(user=user).delete()
    AccessRequest.objects.filter(user=user).update(reason="")
    RequestComment.objects.filter(author=user).update(text="")
    Grant.objects.filter(user=user).update(reason="")
    for table in (Label, Policy):
        table._default_manager.filter(created_by=user.username).update(created_by=alias)
    Policy.objects.filter(acts_for=user.username).update(acts_for=alias)
    IdempotencyRecord.objects.filter(principal=user.username).delete()
    user.refresh_from_db()
    user.username = alias
    user.first_name = user.last_name = user.email = ""
    user.is_operator = False
    user.set_unusable_password()
    user.save()


def _forget_reads(username: str) -> None:
    mine = Q(principal=username) | Q(on_behalf_of=username)
    write_meters(list(ReadMeter.objects.select_for_update().filter(mine)))
    LastRead.objects.filter(principal=username).delete()
