"""The part of the graph around a change, as the flows of labels. Part of `labelling`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db.models import Q

from governance.engine.labels import Flow, Path, Place, Settled, facet_of, settle
from governance.labelling import stops_of
from governance.models import Label, LabelOrigin
from governance.services.inheritance import Inherited, step
from lineage.engine.datasets import mesh_namespace
from lineage.engine.facts import EdgeKind, NodeKey, NodeKind
from lineage.models import Edge, Node

PLACES = frozenset({NodeKind.DATASET, NodeKind.MODEL})
"""The kinds of nodes that carry labels on; a job passes on what it reads."""
_CHUNK = 400
Hop = tuple[int, int]
Dataset = tuple[str, str]
Columns = dict[tuple[str, str], bool]


def _chunks(items: Iterable[Any]) -> Iterator[list[Any]]:
    rows = sorted(items)
    for start in range(0, len(rows), _CHUNK):
        yield rows[start : start + _CHUNK]


class Neighbourhood:
    """Some datasets, what feeds them, and the labels on both."""

    def __init__(self, affected: Sequence[Node]) -> None:
        self._own = mesh_namespace(settings.FAIRMESH.mesh)
        self._nodes = {node.pk: node for node in affected}
        self._computed = set(self._nodes)
        self._hops = self._load_hops()
        self._known: dict[str, Node] = {self._place_of(n): n for n in self._nodes.values()}
        self._columns = self._load_columns()
        self._versions = VersionFlow(self._names(self._computed))
        self._given: dict[Place, dict[str, Path]] = defaultdict(dict)
        self._origins: dict[tuple[Place, str], str] = {}
        self._waiting: dict[str, list[Label]] = defaultdict(list)
        self._has_rows: set[str] = set()
        self._load_labels()

    def _place_of(self, node: Node) -> str:
        """Return what tells the dataset from others: our own are called by their name."""
        return node.name if node.namespace == self._own else f"{node.namespace} {node.name}"

    def _names(self, ids: Iterable[int]) -> list[str]:
        nodes = (self._nodes[pk] for pk in ids)
        return sorted(node.name for node in nodes if node.namespace == self._own)

    # -- edges

    def _load_hops(self) -> set[Hop]:
        """Read what feeds the datasets; a dataset elsewhere is derived as well, it has no rows."""
        hops: set[Hop] = set()
        new = set(self._computed)
        while new:
            found = {hop for some in _chunks(new) for hop in _hops_into(some)}
            hops |= found
            unknown = {src for src, _ in found} - self._nodes.keys()
            rows = Node.objects.in_bulk(sorted(unknown))
            self._nodes |= rows
            new = {
                pk
                for pk, node in rows.items()
                if node.namespace != self._own and node.kind in PLACES
            }
            self._computed |= new
        return {(src, dst) for src, dst in hops if self._nodes[src].kind in PLACES}

    def _load_columns(self) -> dict[Hop, Columns]:
        """Return by hop the columns whose values flow, and whether only masked.

        A hop is there as soon as any column of it is told of, were it one that decides on rows.
        """
        ids = {(node.namespace, node.name): pk for pk, node in self._nodes.items()}
        found: dict[Hop, Columns] = defaultdict(dict)
        names = {self._nodes[pk].name for pk in self._computed}
        ends = ("src__namespace", "src__name", "src__part", "dst__namespace", "dst__name")
        for some in _chunks(names):
            edges = Edge.objects.live().filter(
                kind=EdgeKind.COLUMN_DERIVES, dst__name__in=some, src__kind=NodeKind.COLUMN
            )
            rows = edges.values_list(*ends, "dst__part", "dst__kind", "direct", "masking")
            for sns, sname, column, dns, dname, to, kind, direct, masking in rows:
                src, dst = ids.get((sns, sname)), ids.get((dns, dname))
                if src is None or dst is None:
                    continue
                columns = found[src, dst]
                if direct and kind == NodeKind.COLUMN:
                    columns[column, to] = columns.get((column, to), True) and masking
        return dict(found)

    def _flows(self) -> list[Flow]:
        flows: list[Flow] = []
        hops = sorted({*self._hops, *self._columns})
        columns: dict[str, set[str]] = defaultdict(set)
        for place in self._given:
            columns[place.dataset].add(place.column)
        for src, dst in hops:
            above, below = (self._place_of(self._nodes[end]) for end in (src, dst))
            if above != below:
                flows.append(Flow(Place(above), Place(below)))
            for (column, to), masked in sorted(self._columns.get((src, dst), {}).items()):
                flows.append(Flow(Place(above, column), Place(below, to), masked))
                columns[below].add(to)
        for src, dst in hops:
            above, below = (self._place_of(self._nodes[end]) for end in (src, dst))
            told = (src, dst) in self._columns and (above, below) not in self._versions.coarse
            if not told and above != below:
                some = sorted(columns[above] - {""})
                flows += [Flow(Place(above, column), Place(below)) for column in some]
        return flows

    # -- labels

    def _load_labels(self) -> None:
        derived = set(self._names(self._computed))
        ours = self._names(pk for pk, node in self._nodes.items() if node.kind in PLACES)
        for some in _chunks(set(ours)):
            live = Label.objects.filter(Q(removed_at=None) | Q(overruled=True), name__in=some)
            for row in live.order_by("-origin", "id"):
                self._take(row, derived=row.name in derived)

    def _take(self, row: Label, *, derived: bool) -> None:
        place = Place(row.name, row.column)
        inherited = row.origin == LabelOrigin.INHERITED
        if derived:
            if inherited or row.overruled:
                self._has_rows.add(row.name)
            if inherited:
                if not self._awaits(row):
                    return
                self._waiting[row.name].append(row)
        elif row.overruled:
            return
        path: Path = (place,)
        origin = row.origin
        if inherited:
            path = self._path_of(row) or path
            origin = row.evidence.get("origin", origin)
        known = self._given[place].get(row.label)
        if known is None or len(path) < len(known):
            self._given[place][row.label] = path
            self._origins[path[0], facet_of(row.label)] = origin

    def _awaits(self, row: Label) -> bool:
        awaits = row.evidence.get("awaits", "")
        return bool(awaits) and not self._versions.is_told(awaits)

    def _path_of(self, row: Label) -> Path:
        """Return the path of a label that is not derived anew, its versions remembered."""
        path: list[Place] = []
        before = ""
        for told in row.evidence.get("path", ()):
            namespace = told.get("namespace", self._own)
            where = told["name"] if namespace == self._own else f"{namespace} {told['name']}"
            number = told.get("version", "")
            if path:
                self._versions.newest.setdefault((path[-1].dataset, where), (before, number))
            path.append(Place(where, told.get("column", "")))
            before = number
            self._known.setdefault(where, Node(namespace=namespace, name=told["name"]))
        return tuple(path)

    # -- answers

    def settled(self) -> Iterator[tuple[str, dict[str, Inherited]]]:
        """Yield the products that may have to change, each with all that it inherits."""
        names = self._names(self._computed)
        found = settle(self._given, self._flows(), stops_of(names))
        by_product: dict[str, dict[str, Settled]] = defaultdict(dict)
        for place, settled in found.items():
            if settled.inherited or settled.overruled:
                by_product[place.dataset][place.column] = settled
        for name in names:
            if name in self._has_rows or name in by_product:
                yield name, self._whole(name, by_product[name])

    def _whole(self, name: str, settled: Mapping[str, Settled]) -> dict[str, Inherited]:
        waiting: dict[str, dict[str, Any]] = defaultdict(dict)
        for row in self._waiting[name]:
            waiting[row.column][row.label] = row.evidence
        whole = {}
        for column in {*waiting, *settled}:
            found = settled.get(column, Settled({}, frozenset()))
            kept = {k: v for k, v in waiting[column].items() if k not in found.overruled}
            told = {label: self._evidence(label, path) for label, path in found.inherited.items()}
            whole[column] = Inherited({**told, **kept}, found.overruled)
        return whole

    def _evidence(self, label: str, path: Path) -> dict[str, Any]:
        origin = self._origins.get((path[0], facet_of(label)), str(LabelOrigin.INHERITED))
        return {"path": [self._step(path, at) for at in range(len(path))], "origin": origin}

    def _step(self, path: Path, at: int) -> dict[str, Any]:
        place = path[at]
        node = self._known.get(place.dataset) or Node(namespace=self._own, name=place.dataset)
        hops = self._versions.newest
        if at + 1 < len(path):
            version = hops.get((place.dataset, path[at + 1].dataset), ("", ""))[0]
        else:
            version = hops.get((path[at - 1].dataset, place.dataset), ("", ""))[1] if at else ""
        namespace = "" if node.namespace == self._own else node.namespace
        return step(node.name, place.column, version, namespace)


def _hops_into(ids: Sequence[int]) -> Iterator[Hop]:
    live = Edge.objects.live().filter(dst_id__in=ids)
    yield from live.filter(kind=EdgeKind.DERIVES).values_list("src_id", "dst_id")
    produced = live.filter(kind=EdgeKind.PRODUCES, explained=False, src__kind=NodeKind.JOB)
    by_job: dict[int, list[int]] = defaultdict(list)
    for job, dst in produced.values_list("src_id", "dst_id"):
        by_job[job].append(dst)
    for some in _chunks(by_job):
        read = Edge.objects.live().filter(kind=EdgeKind.CONSUMES, dst_id__in=some)
        for src, job in read.values_list("src_id", "dst_id"):
            yield from ((src, dst) for dst in by_job[job])


class VersionFlow:
    """Which versions of some products were made from which, and how exactly that is known."""

    def __init__(self, names: Sequence[str]) -> None:
        own = mesh_namespace(settings.FAIRMESH.mesh)
        self._own = own
        self.newest: dict[tuple[str, str], tuple[str, str]] = {}
        """By (source, target) the numbers of the newest versions of which one is of the other."""
        self.coarse: set[tuple[str, str]] = set()
        """Pairs of which some version was made in no run that told of its columns."""
        for some in _chunks(set(names)):
            self._load(some)

    def _load(self, names: list[str]) -> None:
        edges = Edge.objects.live().filter(
            kind=EdgeKind.DERIVES,
            src__kind=NodeKind.VERSION,
            dst__kind=NodeKind.VERSION,
            dst__namespace=self._own,
            dst__name__in=names,
        )
        ends = ("src__namespace", "src__name", "src__part", "dst__name", "dst__part", "dst_id")
        rows = list(edges.order_by("id").values_list(*ends, "dst__attrs"))
        by_run = _made_by_runs({row[5] for row in rows})
        for namespace, source, number, target, made, pk, attrs in rows:
            place = source if namespace == self._own else f"{namespace} {source}"
            self.newest[place, target] = (number.removeprefix("v="), made.removeprefix("v="))
            if pk not in by_run and not attrs.get("run"):
                self.coarse.add((place, target))

    def is_told(self, version: str) -> bool:
        """Say whether the graph knows of a version all that its publication tells."""
        product, _, number = version.rpartition("/v=")
        key = NodeKey(NodeKind.VERSION, self._own, product, f"v={number}").digest
        node = Node.objects.filter(key=key).first()
        if node is None or not {"digest", "erased"} & node.attrs.keys():
            return False
        return not node.attrs.get("run") or bool(_made_by_runs({node.pk}))


def _made_by_runs(versions: set[int]) -> set[int]:
    """Return the versions that came from a run which told what they derive from."""
    found: set[int] = set()
    for some in _chunks(versions):
        edges = Edge.objects.live().filter(
            dst_id__in=some, kind=EdgeKind.PRODUCES, explained=True, src__kind=NodeKind.RUN
        )
        found.update(edges.values_list("dst_id", flat=True))
    return found
