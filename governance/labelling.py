"""Reads of labels: where they do not go, and how a path is told to who may not know all of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from governance.engine.entities import Action, Principal
from governance.engine.labels import Place, Stop, Stops
from governance.engine.scan.detectors import BY_ID, DETECTED
from governance.engine.scan.judging import Said, Verdict
from governance.engine.scan.tally import LINES
from governance.models import Declassification, Label, Scan, ScanState, ScanVerdict
from governance.resources import visible_names

_CHUNK = 400
_STRENGTH = {"manual": 0, "contract": 1, "scan": 2, "inherited": 3}


def strongest(rows: Iterable[Label]) -> list[Label]:
    """Return one row for each column and label: of several origins the one nearest to a person."""
    ordered = sorted(rows, key=lambda row: _STRENGTH[row.origin], reverse=True)
    found = {(row.name, row.column, row.label): row for row in ordered}
    return sorted(found.values(), key=lambda row: (row.name, row.column, row.label))


def stops_of(products: Sequence[str]) -> Stops:
    """Return where labels do not come to these products: declassified, or masked and re-scanned."""
    declassified: set[Stop] = set()
    masked: set[Stop] = set()
    for start in range(0, len(products), _CHUNK):
        some = products[start : start + _CHUNK]
        live = Declassification.objects.filter(name__in=some, revoked_at__isnull=True)
        declassified |= {(Place(row.name, row.column), row.label) for row in live}
        masked |= _clean(some)
    return Stops(frozenset(declassified), frozenset(masked))


def _clean(products: Sequence[str]) -> set[Stop]:
    """Return the places and labels of which every version's scan says that they are not there.

    A version that was not scanned, or not wholly, says nothing, and then nothing is lowered.
    """
    by_product: dict[str, list[dict[str, set[str]] | None]] = {}
    for scan in Scan.objects.filter(name__in=products, ended_at__isnull=True):
        by_product.setdefault(scan.name, []).append(_seen(scan))
    found: set[Stop] = set()
    for product, told in by_product.items():
        seen = [each for each in told if each is not None]
        if len(seen) == len(told):
            found |= {
                (Place(product, column), label)
                for column in set().union(*seen) - {LINES}
                for label in DETECTED.keys() - set().union(*(_in(each, column) for each in seen))
            }
    return found


def _in(seen: Mapping[str, set[str]], column: str) -> set[str]:
    """Return what was found in a column, or in records that could not be read as rows."""
    return seen.get(column, set()) | seen.get(LINES, set())


def _seen(scan: Scan) -> dict[str, set[str]] | None:
    """Return the labels that a scan has found, however seldom, by column; None unless complete."""
    result = scan.result or {}
    if scan.state != ScanState.DONE or not result.get("complete"):
        return None
    return {
        column["column"]: {each["label"] for each in column["findings"] if each["matches"]}
        for column in result["columns"]
    }


def verdicts_of(product: str) -> dict[tuple[str, str], Said]:
    """Return what stewards said last, by column and detector."""
    rows = ScanVerdict.objects.filter(name=product).order_by("id")
    return {
        (row.column, row.detector): Said(Verdict(row.verdict), row.major, row.rate)
        for row in rows
        if row.detector in BY_ID
    }


def told_paths(principal: Principal, rows: Iterable[Label]) -> dict[Any, dict[str, Any]]:
    """Return the evidence of labels by their id, with the names hidden that one may not know.

    The shape of a path stays true: a hidden step stays in its place without its name.
    """
    labels = list(rows)
    steps = [step for row in labels for step in row.evidence.get("path", ())]
    named = {step["name"] for step in steps if "namespace" not in step}
    seen = visible_names(principal, Action.DISCOVER, named) if named else set()
    member = "members" in principal.groups
    return {row.pk: _told(row.evidence, seen, member) for row in labels}


def _told(evidence: Mapping[str, Any], seen: set[str], member: bool) -> dict[str, Any]:
    told = {key: value for key, value in evidence.items() if key not in {"awaits", "path"}}
    if "path" in evidence:
        told["path"] = [_step(step, seen, member) for step in evidence["path"]]
    return told


def _step(step: Mapping[str, Any], seen: set[str], member: bool) -> dict[str, Any]:
    """A dataset elsewhere is for members, unless its name may hold that of a product of ours."""
    elsewhere = "namespace" in step
    known = member and "~" not in step["name"] if elsewhere else step["name"] in seen
    return dict(step) if known else {"hidden": True}
