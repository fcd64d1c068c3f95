"""When somebody last read something: what a recertification wants to know of a grant."""

from __future__ import annotations

from datetime import datetime

from governance.models import LastRead, ReadMeter


def last_reads(name: str) -> dict[str, datetime]:
    """Return who read a product and when they last did, themselves or through an agent."""
    found: dict[str, datetime] = {}
    rolled = LastRead.objects.filter(name=name).values_list("principal", "at")
    running = ReadMeter.objects.filter(name=name)
    counted = running.values_list("principal", "last_at")
    for_people = running.exclude(on_behalf_of="").values_list("on_behalf_of", "last_at")
    for reader, at in (*rolled, *counted, *for_people):
        found[reader] = max(at, found.get(reader, at))
    return found


def last_read(principal: str, name: str) -> datetime | None:
    """Return when a principal last read a product; None when it never did."""
    return last_reads(name).get(principal)
