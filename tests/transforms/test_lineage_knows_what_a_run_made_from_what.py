"""A run that was published stands in the lineage graph, column by column."""

from __future__ import annotations

from core import outbox
from lineage.models import Edge, LineageEvent
from tests.transforms.mesh import CODE, TOKENS, Mesh, drive, lines
from transforms import services
from transforms.models import RunState

ROWS = [{"id": number, "text": f"text number {number}"} for number in range(9)]
STEPS: list[dict[str, object]] = [
    {"filter": {"where": [{"column": "id", "min": 3}]}},
    {"select": {"columns": ["text"]}},
]


def edges(**wanted: object) -> set[tuple[str, str, str, str]]:
    live = Edge.objects.live().filter(**wanted).select_related("src", "dst")
    return {(edge.src.name, edge.src.part, edge.dst.name, edge.dst.part) for edge in live}


def test_datasets_columns_and_the_run_are_connected(mesh: Mesh) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    run = mesh.run(STEPS)
    assert run.state == RunState.DONE
    outbox.dispatch()
    assert not LineageEvent.objects.exclude(problem="").exists()
    columns = edges(kind="column_derives")
    assert (CODE, "text", TOKENS, "text") in columns
    assert (CODE, "id", TOKENS, "text") in columns, "the filter decides the rows"
    datasets = {(src, dst) for src, _, dst, _ in edges(kind="derives")}
    assert (CODE, TOKENS) in datasets


def test_a_run_that_fails_is_told_as_failed(mesh: Mesh) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    run = mesh.start(mesh.pipeline(STEPS))
    services.advance_run(run.pk)
    mesh.users["ana"].is_active = False
    mesh.users["ana"].save()
    assert drive(run).state == RunState.FAILED
    outbox.dispatch()
    events = LineageEvent.objects.filter(run_id__contains=str(run.pk))
    assert events.count() == 2, "START and FAIL"
    assert not edges(dst__name=TOKENS)
