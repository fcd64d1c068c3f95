"""Policies out to a folder and back in: planned first, then all of it or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from core.errors import FairmeshError
from governance.engine import policy_folder
from governance.engine.documents import parse
from governance.engine.entities import Principal
from governance.engine.lifecycle import OPEN
from governance.engine.policy_folder import Change, Entry, Step
from governance.models import Policy, PolicyKind, PolicyState
from governance.services.policies import needs_review, retire_policy, save_policy
from governance.services.policy_reading import readable


@dataclass(frozen=True, slots=True)
class Imported:
    """One line of a plan, and what became of it: nothing in a dry run."""

    step: Step
    outcome: str
    """`planned`, `active`, `drafted`, `retired`, `retirement asked`, `kept`, `unchanged`."""

    def as_json(self) -> dict[str, str]:
        step = self.step
        return {
            "kind": step.kind,
            "slug": step.slug,
            "change": str(step.change),
            "outcome": self.outcome,
        }


def export_policies(principal: Principal) -> dict[str, str]:
    """Return the policies in force that the principal may read, as files by path."""
    return policy_folder.files_of(_current(principal))


def _current(principal: Principal) -> list[Entry]:
    rows = readable(principal).filter(state=PolicyState.ACTIVE).order_by("kind", "slug")
    return [_entry(policy) for policy in rows]


def _entry(policy: Policy) -> Entry:
    tests = policy.tests if policy.kind == PolicyKind.ACCESS else []
    return Entry(policy.kind, policy.slug, policy.text, tests)


@transaction.atomic
def import_policies(
    actor: Principal, files: Mapping[str, str], *, dry_run: bool = False, prune: bool = False
) -> list[Imported]:
    """Make the policies in force those of a folder; return what was, or would be, done.

    What the folder lacks is kept unless `prune`. The removals come first. One document that is
    refused refuses the whole import; a dry run does it all and takes it back, so it refuses the
    same. Where policies are reviewed, drafts are made.
    """
    wanted = policy_folder.entries_of(files)
    _refuse_other_ids(wanted)
    done = [
        Imported(step, _done(actor, step, prune))
        for step in policy_folder.steps(_current(actor), wanted)
    ]
    if not dry_run:
        return done
    transaction.set_rollback(True)
    settled = {"kept", "unchanged"}
    return [each if each.outcome in settled else Imported(each.step, "planned") for each in done]


def _refuse_other_ids(wanted: list[Entry]) -> None:
    """Raise when a document calls itself something else than its file."""
    for entry in wanted:
        if entry.kind != policy_folder.ACCESS and parse(entry.text).id != entry.slug:
            path = f"{entry.kind}/{entry.slug}.yaml"
            raise policy_folder.wrong(path, f"the document calls itself {parse(entry.text).id!r}")


def _done(actor: Principal, step: Step, prune: bool) -> str:
    if step.change is Change.UNCHANGED:
        return "unchanged"
    if step.change is Change.REMOVED:
        return _removed(actor, step.slug) if prune else "kept"
    entry = step.wanted
    assert entry is not None
    if needs_review() and _is_drafted(entry):
        return "drafted"
    named: dict[str, Any] = {}
    if entry.kind == PolicyKind.ACCESS:
        named = {"slug": entry.slug, "tests": entry.tests}
    try:
        policy = save_policy(actor, kind=entry.kind, text=entry.text, **named)
    except FairmeshError as error:
        error.extra.setdefault("policy", entry.slug)
        raise
    return "active" if policy.state == PolicyState.ACTIVE else "drafted"


def _is_drafted(entry: Entry) -> bool:
    """Say whether the same document waits for its review already."""
    waiting = Policy.objects.filter(slug=entry.slug, kind=entry.kind, state__in=list(OPEN))
    return any(_entry(policy) == entry for policy in waiting)


def _removed(actor: Principal, slug: str) -> str:
    policy = Policy.objects.get(slug=slug, state=PolicyState.ACTIVE)
    retired = retire_policy(actor, policy.pk)
    return "retired" if retired.state == PolicyState.RETIRED else "retirement asked"
