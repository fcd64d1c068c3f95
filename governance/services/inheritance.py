"""Labels that come by lineage. What comes from where, lineage knows; what it means is said here.

A version's labels are attached by its publication, before any decision sees the version; lineage
then settles them whenever the graph or a label above changes. Of the first only what the
publication knows counts, of the second the whole graph, so a row of the first stays until lineage
has taken the version into the graph (`awaits`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from core import outbox
from governance.engine.labels import (
    FREE,
    Flow,
    LabelSet,
    Place,
    Stops,
    facet_of,
    join,
    read,
    settle,
)
from governance.labelling import stops_of
from governance.models import Label, LabelOrigin
from governance.services.labels import Evidence, overrule, say

LINEAGE = "lineage"
Steps = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Source:
    """What a version is made from, and how its columns come to it."""

    version: str
    """The name of the input version."""
    product: str
    columns: Mapping[str, Sequence[str]] | None = None
    """Output column → input columns whose values flow into it; None when that is not known."""


@dataclass(frozen=True, slots=True)
class Inherited:
    """What one column of a product (or the product) is to carry by lineage."""

    labels: Mapping[str, Evidence]
    overruled: frozenset[str] = frozenset()


@transaction.atomic
def inherit(product: str, version: str, sources: Sequence[Source]) -> None:
    """Attach what a version that is published now inherits. Only ever adds restrictions.

    Call it in the transaction of the publication.
    """
    flows: list[Flow] = []
    given: dict[Place, dict[str, tuple[Place, ...]]] = {}
    for source in sources:
        for row in Label.objects.filter(name=source.product, removed_at__isnull=True):
            place = Place(source.product, row.column)
            given.setdefault(place, {})[row.label] = (place,)
            flows += [
                Flow(place, Place(product, to)) for to in _targets(source, product, row.column)
            ]
    stops = Stops(declassified=stops_of([product]).declassified)
    found = settle(given, dict.fromkeys(flows), stops)
    told = {source.product: source.version for source in sources}
    coming = {
        place.column: {
            label: _evidence(path[0], told[path[0].dataset], label, version)
            for label, path in settled.inherited.items()
        }
        for place, settled in found.items()
        if place.dataset == product
    }
    if any(coming.values()):
        _add(product, coming)


def _targets(source: Source, product: str, column: str) -> list[str]:
    if not column or source.columns is None:
        return [""] if source.product != product else []
    return [to for to, used in source.columns.items() if column in used]


def _evidence(place: Place, via: str, label: str, version: str) -> Evidence:
    """Return the path by which a label comes in one step from `place`, as of the input version."""
    row = (
        Label.objects.filter(
            name=place.dataset, column=place.column, label=label, removed_at__isnull=True
        )
        .order_by("-origin")
        .first()
    )
    before: Steps = []
    origin = str(LabelOrigin.MANUAL) if row is None else row.origin
    if row is not None and row.origin == LabelOrigin.INHERITED:
        before, origin = row.evidence.get("path", [])[:-1], row.evidence.get("origin", origin)
    product, _, number = version.rpartition("/v=")
    number_above = via.rpartition("/v=")[2]
    path = [
        *before,
        step(place.dataset, place.column, number_above),
        step(product, "", number),
    ]
    return {"path": path, "origin": origin, "awaits": version}


def step(name: str, column: str = "", version: str = "", namespace: str = "") -> dict[str, Any]:
    """Return one place of a path as it is kept; what is empty is left out."""
    told = {"namespace": namespace, "name": name, "column": column, "version": version}
    return {key: value for key, value in told.items() if value}


def _add(product: str, coming: Mapping[str, Mapping[str, Evidence]]) -> None:
    rows = Label.objects.filter(name=product, origin=LabelOrigin.INHERITED, removed_at=None)
    wanted: dict[str, dict[str, Evidence]] = {}
    for row in rows:
        wanted.setdefault(row.column, {})[row.label] = row.evidence
    own = own_labels(product)
    whole: dict[str, Inherited] = {}
    for column in {*wanted, *coming, *own}:
        new = {label: _at(column, e) for label, e in coming.get(column, {}).items()}
        both = {**wanted.get(column, {}), **new}
        ours = own.get(column, FREE)
        now = join(join(ours, read(wanted.get(column, {}))), read(new))
        labels = {each: both[each] for each in now.labels() & both.keys()}
        for label in now.labels() - ours.labels() - both.keys():  # sets without a common value
            same = (each for each in sorted(both) if facet_of(each) == facet_of(label))
            labels[label] = both[next(same)]
        whole[column] = Inherited(labels, ours.labels() - now.labels())
    settle_product(product, whole)


def _at(column: str, evidence: Evidence) -> Evidence:
    """Return the evidence with the column in which the path ends."""
    if not column:
        return evidence
    *before, last = evidence["path"]
    return {**evidence, "path": [*before, {**last, "column": column}]}


def own_labels(product: str) -> dict[str, LabelSet]:
    """Return what a product carries by itself, by column; the overruled labels too."""
    found: dict[str, list[str]] = {}
    ours = Label.objects.own().filter(name=product)
    for column, label in ours.values_list("column", "label"):
        found.setdefault(column, []).append(label)
    return {column: read(labels) for column, labels in found.items()}


@transaction.atomic
def settle_product(product: str, whole: Mapping[str, Inherited]) -> bool:
    """Have a product inherit exactly `whole`, by column; return whether a label changed."""
    wanted = {
        (column, label): evidence
        for column, inherited in whole.items()
        for label, evidence in inherited.labels.items()
    }
    too_much = {
        (column, label) for column, inherited in whole.items() for label in inherited.overruled
    }
    changed = say(product, LabelOrigin.INHERITED, wanted, by=LINEAGE)
    changed |= overrule(product, too_much, by=LINEAGE)
    if changed:
        outbox.emit("label.changed", {"name": product, "settled": True})
    return changed


def awaited(product: str) -> Iterable[Label]:
    """Return the inherited labels of publications that lineage may not have taken in yet."""
    rows = Label.objects.filter(name=product, origin=LabelOrigin.INHERITED, removed_at=None)
    return [row for row in rows if row.evidence.get("awaits")]
