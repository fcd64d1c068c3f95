"""A run reads its input for whoever asked for it, and that is counted."""

from __future__ import annotations

from governance.models import ReadMeter
from tests.transforms.mesh import Mesh, lines


def test_a_run_counts_as_a_read_of_its_input(mesh: Mesh) -> None:
    source = mesh.publish({"data/part-0.jsonl": lines([{"id": 1, "text": "one"}])})
    ReadMeter.objects.all().delete()
    mesh.run()
    meter = ReadMeter.objects.get(action="transform")
    assert (meter.principal, meter.name) == (mesh.ana.id, source.product.name)
