"""Scans at work: claimed with a lease, every row of every file looked at, resumed file by file.

What a scan means for the labels is governance's (governance/services/scans.py); here are the bytes.
See docs/explanation/algorithms/scan.md.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from catalog.models import Version, VersionState
from catalog.selectors import manifest_entries, named_version, product_resource
from core.errors import FairmeshError, Gone, Invalid, TooBusy
from core.lease import Lease
from core.manifest import FileEntry
from core.names import Name
from governance import audit
from governance.engine.entities import Action, Principal
from governance.engine.scan import free_text
from governance.engine.scan.counting import Counter
from governance.engine.scan.tally import Tally
from governance.models import SCAN_OPEN, Scan, ScanState
from governance.selectors import services_for
from governance.services import require
from governance.services.scans import Outcome, ask_for_scan, finish_scan, scan_published
from transforms import doorbell
from transforms.engine.scanning import NotText, blocks_of
from transforms.engine.sources import OpenInput
from transforms.heartbeat import Heartbeat, LeaseLost
from transforms.inputs import opener
from transforms.services.ending import AWAY, PASSING, unforeseen, wait_after

logger = logging.getLogger(__name__)
MOST_ATTEMPTS = 5
"""After so many workers have died over one scan, it fails instead of killing more."""
NOTE_SECONDS = 2.0
"""How often the counts are written down between two files: what a killed worker costs at most."""
MOST_TOLD = 100
"""Files left out that are told by name; of the others how many there are."""
_AT_ONCE = 200


def start_scan(actor: Principal, name: str) -> Scan:
    """Ask for another scan of a product's latest version, or of the version named."""
    version = named_version(actor, Action.WRITE, Name.parse(name))
    with transaction.atomic():
        decision = require(actor, Action.WRITE, product_resource(version.product))
        product, number = version.product.name, version.number
        scan = ask_for_scan(product, number, by=actor.id, published_by=version.created_by)
        audit.record(actor, "scan", version.name, decision, scan=str(scan.pk))
        doorbell.ring_scan(scan.pk)
    return scan


def ring_scans(product: str, number: int) -> None:
    """Ring for what is to be scanned of a version."""
    for scan in Scan.objects.filter(name=product, version=number, state__in=SCAN_OPEN):
        doorbell.ring_scan(scan.pk)


def wake_scans(reason: type[FairmeshError]) -> int:
    """Have the scans look again now that wait for this reason; return how many."""
    waiting = Scan.objects.filter(state=ScanState.WAITING, reason_code=reason.code)
    return waiting.update(next_attempt_at=timezone.now())


def sweep_scans() -> int:
    """Ring for every scan that is due or was abandoned; return how many."""
    now = timezone.now()
    due = Q(state__in=[ScanState.QUEUED, ScanState.WAITING], next_attempt_at__lte=now)
    lost = Q(state=ScanState.RUNNING) & (Q(lease_until=None) | Q(lease_until__lt=now))
    found = Scan.objects.filter(due | lost).order_by("next_attempt_at")[:_AT_ONCE]
    with transaction.atomic():
        for scan in found:
            doorbell.ring_scan(scan.pk)
    return len(found)


def scan_unscanned() -> int:
    """Queue what was published before there were scans, some at a time; return how many."""
    told = Scan.objects.filter(name=OuterRef("product__name"), version=OuterRef("number"))
    missing = Version.objects.filter(~Exists(told), state=VersionState.PUBLISHED)
    found = list(missing.select_related("product").order_by("id")[:_AT_ONCE])
    for version in found:
        scan_published(
            product_resource(version.product),
            version.number,
            by="service.scan",
            published_by=version.created_by,
        )
    return len(found)


def run_scan(scan_id: UUID) -> ScanState | None:
    """Scan a version; return the state then, or None when there was nothing to do."""
    lease = _claim(scan_id)
    if lease is None:
        return None
    scan = Scan.objects.get(pk=scan_id)
    try:
        if scan.attempt > MOST_ATTEMPTS:
            raise Invalid(f"{MOST_ATTEMPTS} workers ended without a word over this scan.")
        with Heartbeat(lease) as heartbeat:
            outcome = _Work(scan, lease, heartbeat).done()
        with transaction.atomic():
            row = lease.locked()
            if row is None:
                raise LeaseLost
            row.lease_until, row.lease_owner, row.fence = None, "", row.fence + 1
            finish_scan(row, outcome)
        return ScanState.DONE
    except LeaseLost:
        return None
    except Exception as error:  # noqa: BLE001 - the edge of a task: it is recorded on the row
        return _stop(lease, scan, error)


def _claim(scan_id: UUID) -> Lease[Scan] | None:
    now = timezone.now()
    due = Q(state__in=[ScanState.QUEUED, ScanState.WAITING], next_attempt_at__lte=now)
    lost = Q(state=ScanState.RUNNING) & (Q(lease_until=None) | Q(lease_until__lt=now))
    return Lease.take(
        Scan.objects.filter(due | lost, pk=scan_id),
        state=ScanState.RUNNING,
        attempt=F("attempt") + 1,
        started_at=now,
        reason_code="",
        reason="",
    )


def _stop(lease: Lease[Scan], scan: Scan, error: Exception) -> ScanState | None:
    """Write down why the scan stopped: WAITING for what passes by itself, FAILED for the rest."""
    state = ScanState.WAITING if isinstance(error, PASSING) else ScanState.FAILED
    if isinstance(error, FairmeshError):
        code, reason = error.code, error.detail
    elif isinstance(error, OperationalError):  # its words tell of hosts and accounts
        logger.warning("scan %s waits for the database", scan.pk, exc_info=error)
        code, reason = TooBusy.code, AWAY
    else:
        logger.error("scan %s failed", scan.pk, exc_info=error)
        code, reason = "internal", unforeseen(error)
    now = timezone.now()
    next_attempt_at = now + wait_after(scan.attempt) if state == ScanState.WAITING else now
    kept = lease.write(
        state=state,
        reason_code=code,
        reason=reason,
        next_attempt_at=next_attempt_at,
        finished_at=None if state == ScanState.WAITING else now,
        attempt=0 if state == ScanState.WAITING else F("attempt"),
    )
    Scan.objects.filter(pk=scan.pk, state=state).update(lease_until=None, lease_owner="")
    return state if kept else None


@dataclass
class _Told:
    """The files that were not looked at, and why."""

    skipped: list[dict[str, str]] = field(default_factory=list)
    failed: list[dict[str, str]] = field(default_factory=list)
    skipped_count: int = 0
    failed_count: int = 0
    rows_skipped: int = 0
    """Rows that the skipped files hold by the manifest: nobody has looked at them."""

    def skip(self, entry: FileEntry, reason: str) -> None:
        self.skipped_count += 1
        self.rows_skipped += entry.rows or 0
        if len(self.skipped) < MOST_TOLD:
            self.skipped.append({"path": entry.path, "reason": reason})

    def fail(self, path: str, error: FairmeshError) -> None:
        self.failed_count += 1
        if len(self.failed) < MOST_TOLD:
            self.failed.append({"path": path, "code": error.code, "reason": error.detail})


class _Work:
    """One scan under way. Its state is small: counts, and the path it has come to."""

    def __init__(self, scan: Scan, lease: Lease[Scan], heartbeat: Heartbeat) -> None:
        self._scan, self._lease, self._heartbeat = scan, lease, heartbeat
        self._version = _version_of(scan)
        self._counter = Counter()
        self._budget = _budget_of(self._version)
        self._model = settings.FAIRMESH.pii_model
        self._sampler = (
            free_text.Sampler() if free_text.state_of(self._model)[0] == "ready" else None
        )
        kept = scan.partial
        self._after: str = kept.get("after", "")
        self._tally = Tally.from_json(kept.get("tally", {}))
        self._told = _Told(**kept.get("told", {}))
        self._files, self._rows, self._bytes = (
            (scan.files_done, scan.rows_done, scan.bytes_done) if self._after else (0, 0, 0)
        )
        self._noted = self._began = time.monotonic()

    def done(self) -> Outcome:
        open_input = opener(self._version, proved=True, check=self._heartbeat.check)
        whole = True
        for entry in self._left():
            self._heartbeat.check()
            if self._is_over_budget():
                whole = False
                break
            self._file(entry, open_input)
            self._files += 1
            self._note(entry.path)
        self._progress()  # a quick scan has noted nothing on its way
        files = {
            "read": self._files - self._told.skipped_count - self._told.failed_count,
            "total": self._version.files,
            "skipped": self._told.skipped,
            "skipped_count": self._told.skipped_count,
            "failed": self._told.failed,
            "failed_count": self._told.failed_count,
            "stopped_by_budget": not whole,
        }
        complete = whole and not self._told.failed_count and not self._told.rows_skipped
        return Outcome(self._tally, complete, files, self._prose())

    def _left(self) -> Iterator[FileEntry]:
        return manifest_entries(self._version, after=self._after)

    def _file(self, entry: FileEntry, open_input: OpenInput) -> None:
        seen = Tally()
        try:
            for block in blocks_of(entry.path, open_input(entry.path)):
                self._heartbeat.check()
                self._rows += block.rows
                self._bytes += seen.see(self._counter, block.columns)
                if self._sampler is not None:
                    self._sampler.see(block.columns)
                if time.monotonic() - self._noted > NOTE_SECONDS:
                    self._progress()
        except PASSING:
            raise
        except NotText as error:
            self._told.skip(entry, error.detail)
        except FairmeshError as error:
            self._told.fail(entry.path, error)
        self._tally.add(seen)

    def _note(self, path: str) -> None:
        """Write down, now and then, how far it has come: from there another worker goes on."""
        self._after = path
        if time.monotonic() - self._noted <= NOTE_SECONDS:
            return
        told: dict[str, Any] = vars(self._told)
        partial = {"after": path, "tally": self._tally.as_json(), "told": told}
        self._progress(partial=partial)

    def _progress(self, **more: Any) -> None:
        self._noted = time.monotonic()
        done = {"files_done": self._files, "rows_done": self._rows, "bytes_done": self._bytes}
        if not self._lease.write(files_total=self._version.files, **done, **more):
            raise LeaseLost

    def _is_over_budget(self) -> bool:
        most_bytes, seconds = self._budget
        if most_bytes is not None and self._bytes >= most_bytes:
            return True
        return seconds is not None and time.monotonic() - self._began >= seconds

    def _prose(self) -> dict[str, Any]:
        state, hint = free_text.state_of(self._model)
        if self._sampler is None or state != "ready":
            return {"state": state, "hint": hint}
        found = free_text.look(self._sampler.columns, free_text.load(self._model))
        self._progress()
        return {"state": "done", "model": self._model, "findings": found}


def _version_of(scan: Scan) -> Version:
    version = (
        Version.objects.select_related("product__domain__team")
        .filter(product__name=scan.name, number=scan.version, state=VersionState.PUBLISHED)
        .first()
    )
    if version is None:
        raise Gone(f"{scan.name}/v={scan.version} is no more.", name=scan.name)
    return version


def _budget_of(version: Version) -> tuple[int | None, int | None]:
    """Return how many bytes and seconds the services policies give a scan; None is no limit."""
    resource = product_resource(version.product)
    calls = services_for(resource.name, resource.labels, "publish")
    call = next((call for call in calls if call.service == "scan"), None)
    return (None, None) if call is None else (call.bytes, call.seconds)
