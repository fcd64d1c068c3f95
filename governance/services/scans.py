"""Scans: asked for by a publication, judged when all rows were seen, corrected by stewards.

The bytes are read above (transforms); here is what a scan means for the labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from core import outbox
from core.errors import Conflict, NotFound
from governance import audit, resources
from governance.engine.entities import Action, Principal, Resource
from governance.engine.scan.detectors import BY_ID
from governance.engine.scan.judging import Finding, Verdict, judge
from governance.engine.scan.tally import Tally
from governance.labelling import verdicts_of
from governance.models import (
    SCAN_OPEN,
    Declassification,
    LabelOrigin,
    Scan,
    ScanState,
    ScanVerdict,
)
from governance.services.decisions import require
from governance.services.labels import Evidence, say
from governance.standing import scan_left_out_by

SCANNER = "service.scan"
LONGEST_COLUMN = 300
"""A column of a longer name is labelled on the product: labels name columns up to here."""


@transaction.atomic
def ask_for_scan(product: str, version: int, *, by: str, published_by: str) -> Scan:
    """Queue a scan of a version, or return the one that is queued or at work.

    Call it in the transaction of the publication: a version that is yet to be scanned lowers
    nothing. What an earlier scan said holds until this one is done.
    """
    scan, _ = Scan.objects.get_or_create(
        name=product,
        version=version,
        state__in=SCAN_OPEN,
        ended_at=None,
        defaults={
            "state": ScanState.QUEUED,
            "asked_by": by,
            "published_by": published_by,
            "next_attempt_at": timezone.now(),
        },
    )
    return scan


@transaction.atomic
def scan_published(product: Resource, version: int, *, by: str, published_by: str) -> Scan:
    """Queue the scan of a version that is published; where the services policies leave it out,
    write down that they do.

    A version that was skipped lowers no label, and is scanned when somebody asks for it.
    """
    policies = scan_left_out_by(product.name, product.labels)
    if not policies:
        return ask_for_scan(product.name, version, by=by, published_by=published_by)
    now = timezone.now()
    return Scan.objects.create(
        name=product.name,
        version=version,
        state=ScanState.SKIPPED,
        reason_code="left_out_by_policy",
        reason=f"The services policies leave the scan out: {', '.join(policies)}.",
        asked_by=by,
        published_by=published_by,
        next_attempt_at=now,
        finished_at=now,
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a scan saw. `complete`: every row of every file that holds any."""

    tally: Tally
    complete: bool
    files: Mapping[str, Any]
    free_text: Mapping[str, Any]


@transaction.atomic
def finish_scan(scan: Scan, outcome: Outcome) -> None:
    """Write what a scan found on its row, which the caller holds, and set the labels."""
    findings = judge(outcome.tally, verdicts_of(scan.name))
    by_column: dict[str, list[Finding]] = {}
    for finding in findings:
        by_column.setdefault(finding.column, []).append(finding)
    scan.result = {
        "complete": outcome.complete,
        "columns": [
            {
                "column": name,
                "rows": column.rows,
                "values": column.values,
                "findings": [each.as_json() for each in by_column.get(name, ())],
            }
            for name, column in sorted(outcome.tally.columns.items())
        ],
        "files": dict(outcome.files),
        "free_text": dict(outcome.free_text),
        "detectors": {detector.id: detector.version for detector in BY_ID.values()},
    }
    scan.state, scan.reason_code, scan.reason = ScanState.DONE, "", ""
    scan.partial = {"tally": outcome.tally.as_json()}
    scan.finished_at = timezone.now()
    scan.save()
    earlier = Scan.objects.filter(name=scan.name, version=scan.version, ended_at=None)
    earlier.exclude(pk=scan.pk).update(ended_at=scan.finished_at)
    settle_scan_labels(scan.name)
    outbox.emit("scan.done", {"name": scan.name, "version": scan.version, "scan": str(scan.pk)})


@transaction.atomic
def settle_scan_labels(product: str) -> bool:
    """Have the labels that scans say of a product be what its versions' latest scans found.

    A label that a steward confirmed stays, whatever later scans find. Returns whether one changed.
    """
    said = verdicts_of(product)
    wanted: dict[tuple[str, str], Evidence] = {}
    scans = Scan.objects.filter(name=product, ended_at=None, state=ScanState.DONE)
    for scan in scans.order_by("version"):
        for finding in judge(Tally.from_json(scan.partial["tally"]), said):
            key = (_column(finding.column), finding.label)
            if finding.labelled and finding.rate >= wanted.get(key, {}).get("rate", 0.0):
                wanted[key] = _evidence(scan, finding)
        for found in (scan.result or {}).get("free_text", {}).get("findings", ()):
            if found["labelled"]:
                wanted.setdefault((_column(found["column"]), found["label"]), _free(scan, found))
    for (column, detector), each in said.items():
        if each.verdict is Verdict.CONFIRM:
            kept = {"detector": detector, "confirmed": True, "rate": each.rate}
            wanted.setdefault((_column(column), BY_ID[detector].label), kept)
    changed = say(product, LabelOrigin.SCAN, wanted, by=SCANNER)
    if changed:
        outbox.emit("label.changed", {"name": product})
    return changed


def _column(name: str) -> str:
    return name if len(name) <= LONGEST_COLUMN else ""


def _evidence(scan: Scan, finding: Finding) -> Evidence:
    told = finding.as_json()
    del told["column"], told["label"], told["labelled"]
    told["detector_version"] = told.pop("version")
    return {"scan": str(scan.pk), "version": scan.version, **told}


def _free(scan: Scan, found: Mapping[str, Any]) -> Evidence:
    told = {k: v for k, v in found.items() if k not in {"column", "label", "labelled"}}
    return {"scan": str(scan.pk), "version": scan.version, **told}


@transaction.atomic
def give_verdict(
    actor: Principal, scan_id: UUID, *, column: str, label: str, verdict: str, comment: str = ""
) -> ScanVerdict:
    """Confirm or reject a finding; the labels follow at once, and the next scans as well.

    Confirming takes the right to write; rejecting, which lowers, that to administer.
    """
    scan = Scan.objects.select_for_update().filter(pk=scan_id).first()
    if scan is None:
        raise resources.absent(str(scan_id))
    resource = resources.load(scan.name, asked=str(scan_id))
    lowers = verdict == Verdict.REJECT
    decision = require(actor, Action.ADMINISTER if lowers else Action.WRITE, resource)
    if scan.state != ScanState.DONE or scan.result is None:
        raise Conflict(f"The scan is {scan.state}; a verdict is on what a scan has found.")
    found = _found(scan.result, column, label)
    row = ScanVerdict.objects.create(
        scan=scan,
        name=scan.name,
        column=column,
        detector=found["detector"],
        major=BY_ID[found["detector"]].major,
        label=label,
        verdict=verdict,
        rate=found["rate"],
        comment=comment,
        created_by=actor.id,
    )
    audit.record(
        actor, f"{verdict}-finding", scan.name, decision,
        label=label, column=column, scan=str(scan.pk), detector=found["detector"],
    )  # fmt: skip
    settle_scan_labels(scan.name)
    return row


def _found(result: Mapping[str, Any], column: str, label: str) -> dict[str, Any]:
    for each in result["columns"]:
        for finding in each["findings"] if each["column"] == column else ():
            if finding["label"] == label and finding["detector"] in BY_ID:
                return dict(finding)
    raise NotFound(f"The scan has no finding of {label} in {column or 'the text files'!r}.")


@transaction.atomic
def end_scans(product: str, version: int) -> None:
    """Have the scans of a version that is removed say nothing any more."""
    live = Scan.objects.filter(name=product, version=version, ended_at=None)
    if live.update(ended_at=timezone.now()):
        settle_scan_labels(product)
        outbox.emit("scan.done", {"name": product, "version": version, "scan": ""})


def follow(old: str, new: str) -> None:
    """Let what is said of a product's labels follow it to another name."""
    for table in (Scan, ScanVerdict, Declassification):
        table._default_manager.filter(name=old).update(name=new)
