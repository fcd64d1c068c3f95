"""Rows of an erased version are gone from quarantine, scratch and unfinished outputs as well."""

from __future__ import annotations

from uuid import UUID

import pytest

from catalog.models import Version, VersionState
from core.errors import UnderLegalHold
from governance.models import ErasureOrder, ErasureReceipt, User
from governance.services import place_hold
from movement.services import (
    act_on_erasure,
    agree_to_erasure,
    approve_erasure,
    propose_erasure,
)
from movement.services.erasure_plan import Asked
from tests.builders import deliver
from tests.transforms.mesh import (
    CODE,
    OPERATOR,
    OWN,
    TOKENS,
    Mesh,
    drive,
    keys_of,
    lines,
    open_shards,
)
from transforms import services
from transforms.models import Run, RunState

BROKEN = b'{"id": 7, "text": "secret'
ROWS = lines([{"id": number, "text": f"text number {number}"} for number in range(20)])
DATA = {"data/part-0.jsonl": ROWS + BROKEN + b"\n"}


def erase(mesh: Mesh, name: str, cascade: str = "none") -> ErasureOrder:
    asked = Asked(name, cascade)
    order = propose_erasure(mesh.carla, asked, reason="She asked.", basis="GDPR Art. 17")
    approve_erasure(OPERATOR, order.pk)
    act_on_erasure(order.pk)
    order.refresh_from_db()
    return order


@pytest.fixture(autouse=True)
def operator(mesh: Mesh) -> User:
    """The operator who approves is someone who is there when the worker looks."""
    return User.objects.create(username="op", is_operator=True)


def test_the_quarantine_of_a_run_is_planned_and_erased(mesh: Mesh) -> None:
    source = mesh.publish(DATA)
    run = mesh.run()
    assert run.report is not None
    assert run.report["quarantined"] == 1
    kept = f".runs/{run.pk}/"
    assert [key for key in keys_of() if key.startswith(kept)]
    order = erase(mesh, source.name)
    assert order.state == "done"
    assert not [key for key in keys_of() if key.startswith((kept, "src/"))]
    (planned,) = (row for row in order.plan["versions"] if row["version"] == source.name)
    assert ("quarantine", f"run {run.pk}") in {
        (each["kind"], each["about"]) for each in planned["remains"]
    }
    receipt = ErasureReceipt.objects.get(order=order, kind="quarantine")
    assert (receipt.state, receipt.evidence["objects"]) == ("erased", 1)
    assert [key for key in keys_of() if key.startswith("nlp/")], "the derived version is another's"


def test_a_run_under_way_ends_and_leaves_nothing(mesh: Mesh) -> None:
    source = mesh.publish(DATA)
    run = mesh.start(mesh.pipeline())
    services.advance_run(run.pk)
    for shard in open_shards(run):
        services.run_shard(shard)
    draft = Run.objects.get(pk=run.pk).output_version
    assert draft is not None
    order = erase(mesh, source.name)
    run.refresh_from_db()
    assert (run.state, run.reason_code, run.output_version) == (RunState.CANCELLED, "gone", None)
    assert not Version.objects.filter(pk=draft.pk).exists()
    assert order.state == "acting", "a worker may still write for the length of a lease"
    let_the_lease_pass(order.pk)
    assert act_on_erasure(order.pk) == "done"
    assert keys_of() == []
    assert drive(run).state == RunState.CANCELLED


def test_what_a_run_only_looked_up_is_erased_from_it_as_well(mesh: Mesh) -> None:
    source = mesh.publish(DATA)
    mesh.publish({"a.jsonl": lines([{"id": 7, "page": "seven"}])}, OWN)
    spec = {
        "version": 1,
        "inputs": [{"name": OWN}, {"name": CODE, "alias": "texts"}],
        "steps": [{"join": {"input": "texts", "keys": ["id"]}}],
        "output": {"name": TOKENS},
    }
    pipeline = services.save_pipeline(mesh.ana, name="joined", spec=spec)
    done = drive(mesh.start(pipeline))
    assert done.report is not None
    assert done.report["beside"] == {"rows_in": 21, "quarantined": 1}
    mesh.publish({"a.jsonl": lines([{"id": 8, "page": "eight"}])}, OWN)
    under_way = mesh.start(pipeline)
    services.advance_run(under_way.pk)
    order = erase(mesh, source.name)
    let_the_lease_pass(order.pk)
    assert act_on_erasure(order.pk) == "done"
    under_way.refresh_from_db()
    assert (under_way.state, under_way.reason_code) == (RunState.CANCELLED, "gone")
    left = (".runs/", ".scratch/", "src/")
    assert not [key for key in keys_of() if key.startswith(left)]


def let_the_lease_pass(order_id: UUID) -> None:
    ErasureReceipt.objects.filter(order=order_id).update(next_attempt_at=None)
    ErasureOrder.objects.filter(pk=order_id).update(next_attempt_at="2020-01-01T00:00:00Z")


def test_a_hold_keeps_the_quarantine_of_a_cancelled_run(mesh: Mesh) -> None:
    mesh.publish(DATA)
    run = mesh.start(mesh.pipeline())
    services.advance_run(run.pk)
    for shard in open_shards(run):
        services.run_shard(shard)
    place_hold(mesh.carla, name=CODE, reference="case 7", reason="A court asks.")
    services.cancel_run(mesh.ana, run.pk)
    services.advance_run(run.pk)
    assert [key for key in keys_of() if key.startswith(f".runs/{run.pk}/")]
    again = mesh.start(Run.objects.get(pk=run.pk).pipeline)
    services.advance_run(again.pk)
    place_hold(mesh.ana, name=TOKENS, reference="case 8", reason="A court asks.")
    with pytest.raises(UnderLegalHold):
        services.cancel_run(mesh.ana, again.pk)


def test_a_derived_version_goes_when_its_owner_agreed(mesh: Mesh) -> None:
    source = mesh.publish(DATA)
    made = mesh.run().output_version
    assert made is not None
    deliver()
    asked = Asked(source.name, "derived")
    order = propose_erasure(mesh.carla, asked, reason="She asked.", basis="GDPR Art. 17")
    assert [row["does"] for row in order.plan["versions"]] == ["erase", "owner_must_decide"]
    agree_to_erasure(mesh.ana, order.pk, name=TOKENS)
    approve_erasure(OPERATOR, order.pk)
    assert act_on_erasure(order.pk) == "done"
    made.refresh_from_db()
    assert made.state == VersionState.TOMBSTONED
    assert keys_of() == []


def test_a_derived_version_stays_while_its_owner_is_silent(mesh: Mesh) -> None:
    source = mesh.publish(DATA)
    made = mesh.run().output_version
    assert made is not None
    deliver()
    order = erase(mesh, source.name, "derived")
    kept = ErasureReceipt.objects.get(order=order, kind="derived")
    assert (kept.name, kept.reason_code) == (made.name, "other_owner_must_decide")
    made.refresh_from_db()
    assert made.state == VersionState.PUBLISHED
