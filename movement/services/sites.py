"""Sites: registered and described by operators, heard from by themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict

from django.db import transaction
from django.utils import timezone

from core.errors import Conflict, Invalid
from governance import audit
from governance.engine.entities import MESH, Action, Decision, Principal
from governance.models import PrincipalKind, User
from governance.services import require
from movement.engine.calendar import read_calendar
from movement.models import (
    ACTIVE,
    Replica,
    ReplicaState,
    Site,
    SiteKind,
    SiteState,
    Transfer,
    TransferState,
)
from movement.services.contact import OUTSIDE_WINDOW
from movement.services.site_states import Told, locked_site, move_site
from movement.views import AWAY

MOST_GRACE_HOURS = 24 * 365
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_JURISDICTION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")


class SiteChanges(TypedDict, total=False):
    """What may be said of a site; what is left out stays as it is."""

    title: str
    jurisdictions: list[str]
    grace_hours: int
    windows: list[dict[str, Any]]
    state: str
    reason: str
    expected_back: datetime | None


@transaction.atomic
def create_site(
    actor: Principal, *, name: str, title: str, kind: str, jurisdictions: Sequence[str]
) -> Site:
    """Register a place. Its jurisdictions run from the narrowest to the widest."""
    decision = require(actor, Action.ADMINISTER, MESH)
    check_slug(name)
    if kind not in SiteKind.values:
        raise Invalid(f"A site is one of {', '.join(SiteKind.values)}.", kind=kind)
    _check_jurisdictions(jurisdictions)
    if Site.objects.filter(name=name).exists():
        raise Conflict(f"There is already a site {name!r}.")
    site = Site.objects.create(name=name, title=title, kind=kind, jurisdictions=list(jurisdictions))
    audit.record(actor, "create-site", name, decision, jurisdictions=list(jurisdictions))
    return site


@transaction.atomic
def change_site(actor: Principal, name: str, changes: SiteChanges) -> Site:
    """Say what a site is like, in which state it is and why; operators alone.

    An off-line site may say when it is `expected_back`; its copies count for `grace_hours`
    whatever it says.
    """
    decision = require(actor, Action.ADMINISTER, MESH)
    site = locked_site(name)
    described = _describe(site, changes)
    if described:
        site.save(update_fields=list(described))
        audit.record(actor, "change-site", name, decision, **described)
    if "windows" in described:
        outside = Transfer.objects.filter(state=TransferState.WAITING, reason_code=OUTSIDE_WINDOW)
        outside.update(next_attempt_at=timezone.now())
    if {"state", "reason", "expected_back"} & changes.keys():
        move_site(site, _state(site, changes), _told(site, changes, actor, decision))
    return site


def set_site_state(actor: Principal, name: str, state: str, reason: str = "") -> Site:
    """Say that a site is online, draining, expected off-line or lost."""
    return change_site(actor, name, {"state": state, "reason": reason})


@transaction.atomic
def hear_from(actor: Principal, name: str) -> Site:
    """Note a sign of life of a site; one that was off-line or lost is welcomed back.

    Only what it changes is in the audit log: a sign of life a minute is no act.
    """
    require(actor, Action.DISCOVER, MESH)
    site, now = locked_site(name), timezone.now()
    decision = _speaks_for(actor, site)
    site.last_seen = now
    site.save(update_fields=["last_seen"])
    if site.state in AWAY:
        told = Told(actor, decision, f"It was heard from; it was {site.state} before.")
        move_site(site, SiteState.ONLINE, told)
    return site


def check_slug(name: str) -> None:
    """Raise Invalid unless `name` can name a site or a store."""
    if not _SLUG.fullmatch(name):
        raise Invalid(f"{name!r} cannot be a name here: use a-z, 0-9 and '-'.")


def _speaks_for(actor: Principal, site: Site) -> Decision:
    """Return the decision that lets `actor` speak for the site: itself and operators may."""
    itself = User.objects.filter(
        username=actor.id, kind=PrincipalKind.SITE, site=site.name, is_active=True
    )
    if actor.kind == PrincipalKind.SITE and itself.exists():
        return Decision(True, (), "A site speaks for itself.", "")
    return require(actor, Action.ADMINISTER, MESH)


def _describe(site: Site, changes: SiteChanges) -> dict[str, Any]:
    """Set on `site` what is said of it, once it is found sound; return what differs."""
    if "grace_hours" in changes and not 0 <= changes["grace_hours"] <= MOST_GRACE_HOURS:
        raise Invalid(f"The grace is 0 to {MOST_GRACE_HOURS} hours.")
    if "windows" in changes:
        read_calendar(changes["windows"])
    said: Mapping[str, Any] = {**changes}
    asked = {
        key: said[key]
        for key in ("title", "jurisdictions", "grace_hours", "windows")
        if key in said and said[key] != getattr(site, key)
    }
    if "jurisdictions" in asked:
        _check_jurisdictions(changes["jurisdictions"])
        _check_empty(site)
    for key, value in asked.items():
        setattr(site, key, value)
    return asked


def _state(site: Site, changes: SiteChanges) -> SiteState:
    state = changes.get("state", site.state)
    if state not in SiteState.values:
        raise Invalid(f"A site is one of {', '.join(SiteState.values)}.", state=state)
    return SiteState(state)


def _told(site: Site, changes: SiteChanges, actor: Principal, decision: Decision) -> Told:
    """Return why a site is in its state: as it is said now, else as it was said of this state."""
    stays = changes.get("state", site.state) == site.state
    back = changes.get("expected_back", site.expected_back if stays else None)
    if back is not None and changes.get("state", site.state) != SiteState.OFFLINE:
        raise Invalid("Only a site that is off-line is expected back.", expected_back=str(back))
    reason = changes.get("reason", site.state_reason if stays else "")
    return Told(actor, decision, reason, back)


def _check_jurisdictions(jurisdictions: Sequence[str]) -> None:
    wrong = [code for code in jurisdictions if not _JURISDICTION.fullmatch(code)]
    if wrong or not jurisdictions:
        raise Invalid('A site lies in jurisdictions such as ["DE", "EU"].', unknown=wrong)


def _check_empty(site: Site) -> None:
    """Raise Conflict while anything lies at a site: it was placed by the law that it was under."""
    lying = Replica.objects.filter(store__site=site).exclude(state=ReplicaState.DELETED)
    coming = Transfer.objects.filter(target__site=site, state__in=ACTIVE)
    if lying.exists() or coming.exists():
        raise Conflict(
            f"Data lies at {site.name}, or is on its way there, by the jurisdictions that it has. "
            "Drain the site first, or register the place as a new site."
        )
