"""Writes of the lineage graph: record what was sent, apply what is sound, flag what is not."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from core import outbox
from core.digests import Digest, sha256_digest
from governance.engine.entities import Action, Principal
from governance.resources import visible_names
from lineage.book import EdgeBook, NodeBook, chunks, update_rows
from lineage.engine.datasets import mesh_namespace
from lineage.engine.facts import EdgeKey, EdgeKind, Interpretation, NodeKey, NodeKind, Odd, Origin
from lineage.engine.interpret import interpret
from lineage.models import Edge, EventState, LineageEvent, Node

_WRITER_LOCK = 0x666D_6C69
"""The PostgreSQL advisory lock of the one writer of the graph."""

_GZIP_LEVEL = 3
_OF_A_DATASET = (NodeKind.DATASET, NodeKind.VERSION, NodeKind.COLUMN)


def record(event: Any, principal: Principal | None = None) -> LineageEvent:
    """Store one OpenLineage event and apply it; the same content twice is one row.

    `event` is any JSON value. Odd content never raises: the row is flagged with the reason and
    nothing of it is applied; sent again, a flagged event is judged again, since the sender or
    their rights may be others now. `principal` is who sent it; without one it comes from the mesh's
    own workers, which may speak for every product.
    """
    return record_batch([event], principal)[0]


def record_batch(events: Sequence[Any], principal: Principal | None = None) -> list[LineageEvent]:
    """Record many events at once, in one transaction; return their rows in the same order.

    Cost: a fixed number of statements per 200 nodes and per 200 edges, not per event.
    """
    bodies = [_encode(event) for event in events]
    digests = [sha256_digest(body) for body in bodies]
    sent = {d: pair for d, *pair in zip(digests, events, bodies, strict=True)}
    with transaction.atomic():
        become_the_writer()
        now = timezone.now()
        known = _stored(digests)
        new = {
            digest: _row(digest, body, now)
            for digest, (_, body) in sent.items()
            if digest not in known
        }
        again = [row for row in known.values() if row.state == EventState.FLAGGED]
        rows = {**known, **new}
        judged = [
            (rows[digest], _judge(rows[digest], event, principal))
            for digest, (event, _) in sent.items()
            if rows[digest].state != EventState.APPLIED
        ]
        sound = [(row, said) for row, said in judged if isinstance(said, Interpretation)]
        _apply(sound, principal, now)
        LineageEvent.objects.bulk_create(new.values(), batch_size=100)
        LineageEvent.objects.bulk_update(again, ["state", "problem", "sent_by"], batch_size=100)
    return [rows[digest] for digest in digests]


def _encode(event: Any) -> bytes:
    """Return the one spelling of a JSON value.

    Not RFC 8785, which has no form for large integers and broken surrogates: those must be kept
    and flagged, too.
    """
    return json.dumps(event, sort_keys=True, separators=(",", ":")).encode()


def decode(row: LineageEvent) -> Any:
    """Return the event as it was sent."""
    return json.loads(gzip.decompress(row.body))


def become_the_writer() -> None:
    """Wait for the turn to write the graph; it ends with the transaction.

    SQLite's immediate transactions already have one writer. One writer means that no two batches
    make the same node, and a batch is fast enough that waiting costs less than retrying.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_WRITER_LOCK])


def _stored(digests: Iterable[Digest]) -> dict[Digest, LineageEvent]:
    return {
        Digest(row.digest): row
        for some in chunks(sorted(set(digests)))
        for row in LineageEvent.objects.filter(digest__in=some)
    }


def _row(digest: Digest, body: bytes, now: datetime) -> LineageEvent:
    packed = gzip.compress(body, _GZIP_LEVEL, mtime=0)
    return LineageEvent(digest=digest, body=packed, received_at=now, state=EventState.STORED)


def _judge(row: LineageEvent, event: Any, principal: Principal | None) -> Interpretation | Odd:
    """Read the event and note on its row what came of it."""
    said = interpret(event, settings.FAIRMESH.mesh)
    row.producer = said.producer
    row.sent_by = principal.id if principal else ""
    if isinstance(said, Odd):
        row.run_id = said.run_id
        _flag(row, said.reason)
    else:
        row.run_id = said.run.name if said.run else ""
        row.state = EventState.APPLIED
        row.problem = "\n".join(said.warnings)
    return said


def _flag(row: LineageEvent, reason: str) -> None:
    row.state = EventState.FLAGGED
    row.problem = reason


def _apply(
    fresh: list[tuple[LineageEvent, Interpretation]], principal: Principal | None, now: datetime
) -> None:
    nodes = NodeBook(now)
    nodes.load({key for _, said in fresh for key in said.nodes})
    allowed = _may_publish(principal, fresh, nodes)
    accepted = [said for row, said in fresh if _accept(row, said, principal, nodes, allowed)]
    real = {key: nodes.real(key) for said in accepted for key in said.nodes}
    nodes.create([*real, *real.values()])
    edges = EdgeBook(now)
    gone: set[int] = set()
    for said in accepted:
        keys = edges.add(said, nodes)
        for key, detail in said.nodes.items():
            nodes.tell(real[key], detail if principal is None else detail.by_others())
        if said.run is not None:
            nodes.tell_run(said.run, said.run_state)
        if said.replaces is not None:
            gone |= _replace(real[said.replaces], keys, said, nodes, edges)
    edges.save(nodes)
    nodes.save()
    _tell(gone | {nodes[nodes.real(key)].pk for said in accepted for key in _fed(said)})


def _fed(said: Interpretation) -> set[NodeKey]:
    """Return what the event may have given other sources: a job without a run speaks for itself."""
    kinds = {NodeKind.DATASET} | (set() if said.run else {NodeKind.JOB})
    return {key for key in said.targets if key.kind in kinds}


def _tell(touched: set[int]) -> None:
    """Let it be known that these nodes may come from something else than before."""
    for some in chunks(sorted(touched), 500):
        outbox.emit("lineage.changed", {"nodes": some})


def _accept(
    row: LineageEvent,
    said: Interpretation,
    principal: Principal | None,
    nodes: NodeBook,
    allowed: set[str],
) -> bool:
    """Flag what the sender may not say; else take in the other names of datasets it tells of.

    Event by event, since a name told by one decides what the next one speaks of.
    """
    if principal is not None and (reason := _refusal(said, nodes, allowed)):
        _flag(row, reason)
        return False
    _apply_aliases(said, nodes)
    return True


def _own() -> str:
    return mesh_namespace(settings.FAIRMESH.mesh)


def _may_publish(
    principal: Principal | None,
    fresh: list[tuple[LineageEvent, Interpretation]],
    nodes: NodeBook,
) -> set[str]:
    """Return the products of the batch that the sender may publish, asked once."""
    if principal is None:
        return set()
    keys = {nodes.real(key) for _, said in fresh for key in said.nodes}
    names = {k.name for k in keys if k.namespace == _own() and k.kind is NodeKind.DATASET}
    return visible_names(principal, Action.PUBLISH, names) if names else set()


def _refusal(said: Interpretation, nodes: NodeBook, allowed: set[str]) -> str:
    """Return why the sender may not say this, or nothing. It never tells what exists."""
    for key in sorted(nodes.real(target) for target in said.targets):
        if key.namespace != _own():
            continue
        if key.kind is NodeKind.JOB:
            return (
                f"Jobs of the namespace {key.namespace} are recorded by the mesh itself; "
                f"send {key.name!r} under a namespace of your own."
            )
        if key.name not in allowed:
            return f"Only who may publish {key.name} can record what it is made from."
    return ""


def _apply_aliases(said: Interpretation, nodes: NodeBook) -> None:
    """Store other names of datasets; what is stored of such a name moves to the dataset."""
    for other, dataset in said.aliases.items():
        first, second = nodes.real(other), nodes.real(dataset)
        if first.namespace == _own():
            first, second = second, first
        if first == second or first.namespace == _own():
            continue
        nodes.create([first, second, other])
        for name in {first, other}:
            _take_over(name, second, nodes)


def _take_over(old: NodeKey, new: NodeKey, nodes: NodeBook) -> None:
    """Make `old` another name of the dataset `new`, with its versions, columns and edges."""
    parts = Node.objects.filter(namespace=old.namespace, name=old.name, kind__in=_OF_A_DATASET)
    pairs = {
        key: NodeKey(key.kind, new.namespace, new.name, key.part)
        for key in (node.node_key for node in parts.order_by("pk"))
    }
    nodes.load([*pairs, *pairs.values()])
    nodes.create(pairs.values())
    for key, real in pairs.items():
        if (node := nodes.point(key, real)) is not None:
            _move_edges(node, nodes[real])
    nodes.rename(old, new)


def _move_edges(old: Node, new: Node) -> None:
    """Move every edge of `old`, past ones too, to `new`; what would stand twice is closed."""
    taken = {
        (edge.src_id, edge.dst_id, edge.kind, edge.origin)
        for edge in Edge.objects.live().filter(Q(src=new) | Q(dst=new))
    }
    moved = list(Edge.objects.filter(Q(src=old) | Q(dst=old)).order_by("pk"))
    for edge in moved:
        src, dst = (new.pk if end == old.pk else end for end in (edge.src_id, edge.dst_id))
        ends = (src, dst, edge.kind, edge.origin)
        if edge.valid_to is None and (src == dst or ends in taken):
            edge.valid_to = timezone.now()
        if src != dst:
            edge.src_id, edge.dst_id = src, dst
        if edge.valid_to is None:
            taken.add(ends)
    update_rows(moved, ["src", "dst", "valid_to"])


def rename_product(old: str, new: str) -> None:
    """Let a product that moved keep its lineage: `old` becomes another name of `new`.

    A product that moves back takes its first name up again.
    """
    with transaction.atomic():
        become_the_writer()
        Node.objects.filter(namespace=_own(), name=new).update(alias_of=None)
        nodes = NodeBook(timezone.now())
        former, current = (NodeKey(NodeKind.DATASET, _own(), name) for name in (old, new))
        nodes.load([former, current])
        nodes.create([former, current])
        _take_over(former, current, nodes)
        nodes.save()
        _tell({nodes[current].pk})


def _replace(
    speaker: NodeKey, keys: set[EdgeKey], said: Interpretation, nodes: NodeBook, edges: EdgeBook
) -> set[int]:
    """Close what the speaker had declared up to this event and now leaves out.

    What was declared later stays, so an old event that comes late takes nothing back. Returns the
    nodes that were fed by what is closed.
    """
    ids = edges.save(nodes)
    node = nodes[speaker]
    moment = min(said.event_time, edges.now)
    if speaker.kind is NodeKind.JOB:
        spoken = Q(src=node) | Q(dst=node) | Q(via_job=node)
    else:
        spoken = Q(dst=node, via_job=None) & ~Q(kind=EdgeKind.VERSION_OF)
        if speaker.kind is NodeKind.DATASET:
            columns = {"dst__namespace": speaker.namespace, "dst__name": speaker.name}
            spoken |= Q(kind=EdgeKind.COLUMN_DERIVES, via_job=None, **columns)
    before = Edge.objects.live().filter(spoken, origin=Origin.DECLARED, valid_from__lte=moment)
    kept = {ids[key] for key in keys}
    gone = {pk: dst for pk, dst in before.values_list("pk", "dst_id") if pk not in kept}
    for some in chunks(gone):
        Edge.objects.filter(pk__in=some).update(valid_to=moment)
    return set(gone.values())
