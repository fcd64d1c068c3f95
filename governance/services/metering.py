"""Reads are counted, not written down one by one: an hour of one reader on one product is a leaf.

A read costs one small update of a row that only its reader touches. The beat turns the rows of
past hours into entries of the audit log and keeps the time of the last read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils import timezone

from core.names import Name
from governance import audit
from governance.engine.entities import Action, Decision, Principal
from governance.models import LastRead, ReadMeter

ROLL_UP_ROWS = 1000
_METERED = Decision(True, (), "Each read was decided by itself; here they are counted.", "")


def record_read(principal: Principal, action: Action, name: str) -> None:
    """Count one read of a product, a version or a file of it. Call it once it was allowed."""
    now = timezone.now()
    person = principal.on_behalf_of
    meter = {
        "hour": _hour(now),
        "principal": principal.id,
        "on_behalf_of": "" if person is None else person.id,
        "action": str(action),
        "name": str(Name.parse(name).product_name),
    }
    while not _count(meter, now):
        try:
            with transaction.atomic():
                ReadMeter.objects.create(**meter, first_at=now, last_at=now)
            return
        except IntegrityError:  # another request of the same reader was first: count in its row
            continue


def _count(meter: dict[str, Any], now: datetime) -> bool:
    return bool(ReadMeter.objects.filter(**meter).update(reads=F("reads") + 1, last_at=now))


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def roll_up_reads(until: datetime | None = None) -> int:
    """Turn the meters of hours that are over into entries of the log; return how many.

    A read that is counted late begins a new meter, so none is lost and none is counted twice.
    """
    before = _hour(timezone.now()) if until is None else until
    total = 0
    while rolled := _roll_up(before):
        total += rolled
    return total


@transaction.atomic
def _roll_up(before: datetime) -> int:
    can_skip = connection.features.has_select_for_update_skip_locked
    rows = list(
        ReadMeter.objects.select_for_update(skip_locked=can_skip)
        .filter(hour__lt=before)
        .order_by("pk")[:ROLL_UP_ROWS]
    )
    write_meters(rows)
    return len(rows)


def write_meters(rows: Sequence[ReadMeter]) -> None:
    """Write each meter into the log and the time of its last read, and be done with it."""
    for row in rows:
        person = Principal(row.on_behalf_of) if row.on_behalf_of else None
        audit.record(
            Principal(row.principal, on_behalf_of=person),
            row.action,
            row.name,
            _METERED,
            reads=row.reads,
            hour=row.hour.isoformat(),
            first=row.first_at.isoformat(),
            last=row.last_at.isoformat(),
        )
        for reader in filter(None, (row.principal, row.on_behalf_of)):
            _note_last(reader, row.name, row.last_at)
    ReadMeter.objects.filter(pk__in=[row.pk for row in rows]).delete()


def _note_last(reader: str, name: str, at: datetime) -> None:
    row, made = LastRead.objects.get_or_create(principal=reader, name=name, defaults={"at": at})
    if not made and row.at < at:
        LastRead.objects.filter(pk=row.pk).update(at=at)


def follow(old: str, new: str) -> None:
    """Carry what is known of the reads of a product over to its new name."""
    write_meters(list(ReadMeter.objects.select_for_update().filter(name=old)))
    there = LastRead.objects.filter(name=new).values("principal")
    LastRead.objects.filter(name=old).exclude(principal__in=there).update(name=new)
