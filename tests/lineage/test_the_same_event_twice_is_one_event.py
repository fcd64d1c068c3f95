"""Recording is idempotent by content, alone, in a batch and across batches."""

from __future__ import annotations

from typing import Any

from lineage import services
from lineage.engine.facts import EdgeKind
from lineage.models import Edge, EventState, LineageEvent, Node


def test_a_repeat_returns_the_first_row_and_changes_nothing(db: None, run_event: Any) -> None:
    event = run_event(["a"], ["b"])
    first = services.record(event)
    again = services.record(dict(reversed(event.items())))
    assert again.pk == first.pk
    assert LineageEvent.objects.count() == 1
    assert set(Edge.objects.values_list("count", flat=True)) == {1}
    assert services.decode(LineageEvent.objects.get()) == event


def test_a_batch_may_hold_the_same_event_twice(db: None, run_event: Any) -> None:
    event, other = run_event(["a"], ["b"]), run_event(["a"], ["c"])
    rows = services.record_batch([event, other, event])
    assert [row.pk for row in rows] == [rows[0].pk, rows[1].pk, rows[0].pk]
    assert LineageEvent.objects.count() == 2
    consumed = Edge.objects.get(kind=EdgeKind.CONSUMES)
    assert (consumed.count, consumed.src.name) == (2, "a")


def test_new_events_about_known_things_make_no_new_nodes_or_edges(db: None, run_event: Any) -> None:
    services.record(run_event(["a"], ["b"]))
    nodes, edges = Node.objects.count(), Edge.objects.count()
    services.record(run_event(["a"], ["b"], eventTime="2025-12-01T00:00:00Z"))
    assert (Node.objects.count(), Edge.objects.count()) == (nodes, edges)
    edge = Edge.objects.get(kind=EdgeKind.PRODUCES)
    assert edge.count == 2
    assert edge.valid_from.isoformat() == "2025-12-01T00:00:00+00:00"


def test_odd_events_are_kept_flagged_with_the_reason(db: None) -> None:
    odd: list[Any] = [None, 7, "text", [], {}, {"eventTime": "x"}, float("nan"), "\ud800", 10**400]
    rows = services.record_batch(odd)
    assert {row.state for row in rows} == {EventState.FLAGGED}
    assert all(row.problem for row in rows)
    assert Node.objects.count() == 0
    assert [row.pk for row in services.record_batch(odd)] == [row.pk for row in rows]


def test_a_refused_event_is_judged_again_when_it_is_sent_again(world: Any, run_event: Any) -> None:
    event = run_event(["a"], ["/acme/nlp/~/wiki"])
    refused = services.record(event, world.ben)
    assert (refused.state, refused.sent_by) == ("flagged", "ben")
    applied = services.record(event, world.ana)
    assert applied.pk == refused.pk
    stored = LineageEvent.objects.get()
    assert (stored.state, stored.problem, stored.sent_by) == ("applied", "", "ana")
    services.record(event, world.ben)
    assert LineageEvent.objects.get().state == "applied"
    assert set(Edge.objects.values_list("count", flat=True)) == {1}
