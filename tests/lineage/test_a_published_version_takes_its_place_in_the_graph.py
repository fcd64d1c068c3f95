"""The fact `version.published`, once or many times, becomes a version and what it is made from."""

from __future__ import annotations

from typing import Any

from core import outbox
from lineage import selectors
from lineage.events import version_published
from lineage.models import Edge, LineageEvent, Node
from lineage.selectors import Question

PAYLOAD = {
    "version": "/acme/nlp/~/zanzibar/v=2",
    "product": "/acme/nlp/~/zanzibar",
    "version_id": "01890000-0000-7000-8000-000000000001",
    "digest": "sha256:" + "a" * 64,
    "inputs": [{"name": "/acme/nlp/~/wiki/v=1", "digest": "sha256:" + "b" * 64}],
    "schema": [{"name": "text", "type": "string", "nullable": True}],
    "principal": "ana",
    "at": "2026-01-01T00:00:00Z",
}


def test_it_is_heard() -> None:
    assert "lineage.events.version_published" in outbox.topics()["version.published"]


def test_the_version_and_its_product_derive_from_the_inputs(world: Any) -> None:
    version_published(PAYLOAD)
    version_published(PAYLOAD)
    assert LineageEvent.objects.count() == 1
    version = Node.objects.get(kind="version", name="/acme/nlp/~/zanzibar")
    assert (version.part, version.attrs["digest"]) == ("v=2", PAYLOAD["digest"])
    for ref, source in [
        ("/acme/nlp/~/zanzibar/v=2", "/acme/nlp/~/wiki/v=1"),
        ("/acme/nlp/~/zanzibar", "/acme/nlp/~/wiki"),
    ]:
        answer = selectors.graph(world.ana, ref, Question())
        assert [node.name for node in answer.nodes] == [ref, source]
        assert [edge.origin for edge in answer.edges] == ["declared"]


def test_a_version_without_inputs_takes_nothing_from_earlier_ones(world: Any) -> None:
    version_published(PAYLOAD)
    later = {"version": "/acme/nlp/~/zanzibar/v=3", "inputs": [], "at": "2026-02-01T00:00:00Z"}
    version_published({**PAYLOAD, **later})
    assert Edge.objects.live().filter(kind="derives").count() == 2
    assert Node.objects.filter(kind="version").count() == 3
