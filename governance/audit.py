"""The audit log: every act, grant and denial, written in the transaction of the act itself.

An act adds one row and waits for nobody: its place in the tree comes later, from the sequencer
(services/sequencer.py). What tells of a person is kept apart, where it can be erased.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import Any

from django.db import connection
from django.utils import timezone

from core import merkle
from governance.engine import leaves
from governance.engine.entities import Decision, Principal
from governance.engine.leaves import Personal
from governance.models import AuditEntry, ClearText

__all__ = ["Personal", "record"]


def record(principal: Principal, action: str, name: str, decision: Decision, **detail: Any) -> None:
    """Add one entry. `detail` holds JSON values and never a secret or a row of data.

    Who acted, and whatever tells of a person under the usual keys, becomes a commitment; wrap
    what else does in `Personal`. Costs one look-up and one insert, both in plain SQL: every act
    waits for them, and the ORM took ten times as long to build the statements as they to run.
    """
    person = principal.on_behalf_of
    told = leaves.told(principal.id, "" if person is None else person.id, action, name, detail)
    known = _commitments(told.personal())
    at = timezone.now()
    entry = {
        "at": at.isoformat(),
        "principal": leaves.column(told.principal, known),
        "on_behalf_of": leaves.column(told.on_behalf_of, known),
        "action": action,
        "name": leaves.column(told.name, known),
        "allowed": decision.allow,
        "policies": list(decision.policies),
        "policy_set": decision.policy_set,
        "detail": leaves.committed(told.detail, known),
    }
    leaf = merkle.leaf_hash(leaves.entry_bytes(entry)).hex()
    _insert({**entry, "at": at, "leaf": leaf})


def _insert(entry: Mapping[str, Any]) -> None:
    adapt = connection.ops
    values = {
        **entry,
        "at": adapt.adapt_datetimefield_value(entry["at"]),
        "policies": adapt.adapt_json_value(entry["policies"], None),
        "detail": adapt.adapt_json_value(entry["detail"], None),
    }
    columns, marks = ", ".join(values), ", ".join(["%s"] * len(values))
    statement = f"INSERT INTO {AuditEntry._meta.db_table} ({columns}) VALUES ({marks})"
    with connection.cursor() as cursor:
        cursor.execute(statement, list(values.values()))


def _commitments(personal: Collection[Personal]) -> dict[Personal, str]:
    """Return the commitment of each value, made for those that have none.

    Two acts at once may both make one: neither waits for the other, and both are good.
    """
    if not personal:
        return {}
    wanted = {(part.of, leaves.lookup_of(part.value)): part for part in personal}
    known = {
        wanted[of, lookup]: commitment
        for of, lookup, commitment in _rows(wanted)
        if (of, lookup) in wanted
    }
    made = [_clear_text(part, lookup) for (_, lookup), part in wanted.items() if part not in known]
    if made:
        ClearText.objects.bulk_create(made)
        known |= {Personal(row.value, row.of): row.commitment for row in made}
    return known


def _rows(wanted: Collection[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """Return (of, lookup, commitment) of what may be wanted."""
    people, lookups = {of for of, _ in wanted}, {lookup for _, lookup in wanted}
    marks = [", ".join(["%s"] * len(values)) for values in (people, lookups)]
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT "of", lookup, commitment FROM {ClearText._meta.db_table}'
            f' WHERE "of" IN ({marks[0]}) AND lookup IN ({marks[1]})',
            [*people, *lookups],
        )
        found: list[tuple[str, str, str]] = cursor.fetchall()
    return found


def _clear_text(part: Personal, lookup: str) -> ClearText:
    salt = os.urandom(leaves.SALT_BYTES)
    return ClearText(
        commitment=leaves.commitment(salt, part.value),
        salt=salt.hex(),
        value=part.value,
        lookup=lookup,
        of=part.of,
    )
