"""The nodes and edges that a batch of events speaks of, read and written in a few statements.

Part of `services`: used inside its transaction, by one writer at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from django.db import connection
from django.db.models import Model

from lineage.engine.facts import (
    EdgeFact,
    EdgeKey,
    Interpretation,
    NodeDetail,
    NodeKey,
    NodeKind,
    RunState,
    higher_state,
)
from lineage.models import Edge, Node

CHUNK = 200
"""Rows a statement: four parameters each stay below every database's limit."""

T = TypeVar("T")


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    rows = list(items)
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


class NodeBook:
    """Nodes by key, with the other names of datasets resolved."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._nodes: dict[NodeKey, Node] = {}
        self._real: dict[NodeKey, NodeKey] = {}
        self._changed: dict[int, Node] = {}

    def load(self, keys: Iterable[NodeKey]) -> None:
        """Read the nodes of `keys` that exist, and the datasets that they are names of."""
        wanted = {key.digest: key for key in keys if key not in self._nodes}
        for some in chunks(sorted(wanted)):
            for node in Node.objects.filter(key__in=some).select_related("alias_of"):
                self._keep(wanted[node.key], node)

    def _keep(self, key: NodeKey, node: Node) -> None:
        self._nodes[key] = node
        if node.alias_of is not None:
            real = node.alias_of.node_key
            self._real[key] = real
            self._nodes.setdefault(real, node.alias_of)

    def real(self, key: NodeKey) -> NodeKey:
        """Return the key that `key` stands for; columns and versions follow their dataset."""
        if key.part:
            dataset = NodeKey(NodeKind.DATASET, key.namespace, key.name)
            real = self._real.get(dataset)
            return NodeKey(key.kind, real.namespace, real.name, key.part) if real else key
        return self._real.get(key, key)

    def rename(self, other: NodeKey, dataset: NodeKey) -> None:
        """Take `other` as one more name of `dataset` from now on, in this batch."""
        self._real[other] = dataset
        for name, real in self._real.items():
            if real == other:
                self._real[name] = dataset

    def create(self, keys: Iterable[NodeKey]) -> None:
        """Make the nodes that do not exist; their ids are in the order of first mention."""
        missing = [key for key in dict.fromkeys(keys) if key not in self._nodes]
        rows = [self._node(key) for key in missing]
        Node.objects.bulk_create(rows, batch_size=CHUNK)
        self._nodes.update(zip(missing, rows, strict=True))

    def _node(self, key: NodeKey) -> Node:
        return Node(
            key=key.digest,
            kind=key.kind,
            namespace=key.namespace,
            name=key.name,
            part=key.part,
            created_at=self._now,
            updated_at=self._now,
        )

    def __getitem__(self, key: NodeKey) -> Node:
        return self._nodes[key]

    def tell(self, key: NodeKey, detail: NodeDetail) -> None:
        """Note what was told of a node, when it is new."""
        node = self._nodes[key]
        attrs = {**node.attrs, **detail.attrs}
        title = detail.title or node.title
        if (attrs, title) != (node.attrs, node.title):
            node.attrs, node.title = attrs, title
            self._changed[node.id] = node

    def tell_run(self, key: NodeKey, state: RunState) -> None:
        """Move a run to `state` when that ranks higher than what is known."""
        node = self._nodes[key]
        known = RunState(node.run_state) if node.run_state else RunState.OTHER
        if (held := higher_state(known, state)) != node.run_state:
            node.run_state = held
            self._changed[node.id] = node

    def point(self, other: NodeKey, dataset: NodeKey) -> Node | None:
        """Store that `other` is a name of `dataset`; return its node when that is news."""
        node, real = self._nodes[other], self._nodes[dataset]
        if node.id == real.id or node.alias_of_id == real.id:
            return None
        Node.objects.filter(alias_of=node).update(alias_of=real)
        for each in [node, *(n for n in self._nodes.values() if n.alias_of_id == node.id)]:
            each.alias_of = real
            self._changed[each.id] = each
        return node

    def save(self) -> None:
        for node in self._changed.values():
            node.updated_at = self._now
        update_rows(
            list(self._changed.values()),
            ["attrs", "title", "run_state", "alias_of", "updated_at"],
        )


@dataclass(slots=True)
class Told:
    """What a batch tells of one edge: the newest fact, and over all events times and runs."""

    fact: EdgeFact
    since: datetime
    first_run: str
    last_run: str
    count: int = 1


@dataclass(slots=True)
class EdgeBook:
    """The edges that a batch tells of, each once, in the order of first mention."""

    now: datetime
    told: dict[EdgeKey, Told] = field(default_factory=dict)

    def add(self, said: Interpretation, nodes: NodeBook) -> set[EdgeKey]:
        """Add the edges of one event and return their keys, names resolved."""
        since = min(said.event_time, self.now)
        run = said.run.name if said.run else ""
        keys = set()
        for key, fact in said.edges.items():
            src, dst = nodes.real(key.src), nodes.real(key.dst)
            if src == dst:
                continue
            real = EdgeKey(src, dst, key.kind, key.origin)
            keys.add(real)
            known = self.told.get(real)
            if known is None:
                self.told[real] = Told(fact, since, run, run)
                continue
            known.fact = newest(known.fact, fact)
            known.since = min(known.since, since)
            known.last_run = run or known.last_run
            known.count += 1
        return keys

    def save(self, nodes: NodeBook) -> dict[EdgeKey, int]:
        """Write the edges and return the ids of the live ones."""
        ids: dict[EdgeKey, int] = {}
        for some in chunks(self.told.items()):
            wanted = {_ends(key, nodes): key for key, _ in some}
            live = {wanted[_stored_ends(edge)]: edge for edge in _live(list(wanted))}
            self._update([(edge, self.told[key]) for key, edge in live.items()], nodes)
            fresh = [(key, told) for key, told in some if key not in live]
            made = Edge.objects.bulk_create(
                [self._edge(key, told, nodes) for key, told in fresh], batch_size=CHUNK
            )
            ids.update({key: edge.id for key, edge in live.items()})
            ids.update({key: edge.id for (key, _), edge in zip(fresh, made, strict=True)})
        self.told.clear()
        return ids

    def _edge(self, key: EdgeKey, told: Told, nodes: NodeBook) -> Edge:
        via = told.fact.via
        return Edge(
            src=nodes[key.src],
            dst=nodes[key.dst],
            kind=key.kind,
            origin=key.origin,
            via_job=nodes[nodes.real(via)] if via else None,
            direct=told.fact.direct,
            subtype=told.fact.subtype,
            masking=told.fact.masking,
            explained=told.fact.explained,
            valid_from=told.since,
            first_run=told.first_run,
            last_run=told.last_run,
            count=told.count,
        )

    def _update(self, rows: Sequence[tuple[Edge, Told]], nodes: NodeBook) -> None:
        for edge, told in rows:
            via = told.fact.via
            edge.direct = told.fact.direct
            edge.subtype = told.fact.subtype
            edge.masking = told.fact.masking
            edge.explained = edge.explained or told.fact.explained
            edge.via_job_id = nodes[nodes.real(via)].id if via else edge.via_job_id
            edge.valid_from = min(edge.valid_from, told.since)
            edge.last_run = told.last_run or edge.last_run
            edge.count += told.count
        update_rows(
            [edge for edge, _ in rows],
            [
                "direct", "subtype", "masking", "explained", "via_job",
                "valid_from", "last_run", "count",
            ],
        )  # fmt: skip


def newest(known: EdgeFact, told: EdgeFact) -> EdgeFact:
    """Return the later report, except that an explained target stays explained."""
    return EdgeFact(
        direct=told.direct,
        subtype=told.subtype or known.subtype,
        masking=told.masking,
        explained=known.explained or told.explained,
        via=told.via or known.via,
    )


Ends = tuple[int, int, str, str]


def _ends(key: EdgeKey, nodes: NodeBook) -> Ends:
    return nodes[key.src].id, nodes[key.dst].id, str(key.kind), str(key.origin)


def _stored_ends(edge: Edge) -> Ends:
    return edge.src_id, edge.dst_id, edge.kind, edge.origin


def _live(wanted: Sequence[Ends]) -> list[Edge]:
    """Return the live edges among `wanted`, by one probe of the index each.

    Two `IN` lists would make the database look at every pair of them.
    """
    if not wanted:
        return []
    table = connection.ops.quote_name(Edge._meta.db_table)
    rows = ", ".join(["(%s, %s, %s, %s)"] * len(wanted))
    sql = (
        f"SELECT * FROM {table} WHERE valid_to IS NULL "  # placeholders only
        f"AND (src_id, dst_id, kind, origin) IN (VALUES {rows})"
    )
    return list(Edge.objects.raw(sql, [value for ends in wanted for value in ends]))


def update_rows(rows: Sequence[Model], names: Sequence[str]) -> None:
    """Write the named fields of the rows, one prepared statement for all.

    Django's bulk_update writes a CASE per field and row instead, and took 80 % of a batch.
    """
    if not rows:
        return
    meta = type(rows[0])._meta
    fields = [field for field in meta.concrete_fields if field.name in names]
    quote = connection.ops.quote_name
    columns = ", ".join(f"{quote(str(field.column))} = %s" for field in fields)
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {quote(meta.db_table)} SET {columns} WHERE id = %s",  # names of ours
            [
                [*(f.get_db_prep_save(getattr(row, f.attname), connection) for f in fields), row.pk]
                for row in rows
            ],
        )
