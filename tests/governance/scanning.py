"""What the tests of scans and labels share: workers that scan, and labels as sets."""

from __future__ import annotations

from typing import Any

from governance.models import SCAN_OPEN, Label, Scan
from tests.builders import deliver
from transforms import services


def work() -> None:
    """Deliver the events and do every scan, until nothing is left to do."""
    deliver()
    while open_scans := list(Scan.objects.filter(state__in=SCAN_OPEN)):
        for scan in open_scans:
            services.run_scan(scan.pk)
        deliver()


def labels(name: str, **where: str) -> set[tuple[str, str]]:
    """Return the labels in force as (column, label)."""
    rows = Label.objects.filter(name=name, removed_at=None, **where)
    return set(rows.values_list("column", "label"))


def newest_scan(name: str) -> Scan:
    return Scan.objects.filter(name=name).latest("id")


def result_of(name: str) -> dict[str, Any]:
    result: dict[str, Any] = newest_scan(name).result or {}
    return result
