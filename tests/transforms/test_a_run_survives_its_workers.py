"""Workers die, stores go away, replicas rot: the run goes on, and its bytes are the same."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.utils import timezone

from catalog.models import Version
from core.lease import Lease
from movement.models import Replica, ReplicaOrigin, ReplicaState, Store
from movement.opening import open_store
from movement.services import check_stores
from tests.builders import deliver
from tests.transforms.mesh import Mesh, add_store, drive, keys_of, lines, open_shards, rows_of
from transforms import services, tokenizers
from transforms.engine.encoders import TokenizerFile
from transforms.models import Run, RunShard, RunState, ShardState

ROWS = [{"id": number, "text": f"text number {number % 70}"} for number in range(200)]
STEPS = [{"dedup_exact": {"columns": ["text"]}}]
PAST = timedelta(hours=1)


def digest_of(run: Run) -> str:
    assert run.output_version is not None
    return run.output_version.root


def undisturbed(mesh: Mesh) -> str:
    """Return the root of the same pipeline's result, made without trouble and then forgotten."""
    run = mesh.run(STEPS)
    assert run.state == RunState.DONE
    root = digest_of(run)
    Run.objects.filter(pk=run.pk).update(run_digest="")  # so that the next run is not skipped
    return root


def die(shard_id: UUID) -> RunShard:
    """Claim a shard and be heard of no more."""
    mine = RunShard.objects.filter(pk=shard_id)
    assert Lease.take(mine, state=ShardState.CLAIMED, attempt=1) is not None
    mine.update(lease_until=timezone.now() - PAST)
    return mine.get()


def test_a_shard_whose_worker_died_is_done_by_another(mesh: Mesh, small_shards: int) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    expected = undisturbed(mesh)
    run = mesh.start(mesh.pipeline(STEPS))
    services.advance_run(run.pk)
    first, second, *_ = open_shards(run)
    services.run_shard(first)
    dead = die(second)
    assert services.sweep_runs() > 0

    run = drive(run)

    assert run.state == RunState.DONE
    assert digest_of(run) == expected
    assert RunShard.objects.get(pk=first).attempt == 1, "a finished shard is not done again"
    taken = RunShard.objects.get(pk=second)
    assert (taken.state, taken.attempt) == (ShardState.DONE, 2)
    assert taken.fence > dead.fence


def test_a_worker_that_wakes_up_after_its_lease_writes_nothing(
    mesh: Mesh, small_shards: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    run = mesh.start(mesh.pipeline(STEPS))
    services.advance_run(run.pk)
    shard_id = open_shards(run)[0]
    slept = []

    def sleep_over(*_: object) -> object:
        """Lose the lease to another worker, who is at work when this one ends."""
        RunShard.objects.filter(pk=shard_id).update(lease_until=timezone.now() - PAST)
        die(shard_id)
        slept.append(True)
        return {"stale": True}

    monkeypatch.setattr("transforms.services.shards._work", sleep_over)
    assert services.run_shard(shard_id) is None
    monkeypatch.undo()
    assert slept
    shard = RunShard.objects.get(pk=shard_id)
    assert (shard.state, shard.result) == (ShardState.CLAIMED, None)


def test_a_coordinator_that_died_is_replaced(mesh: Mesh, small_shards: int) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    expected = undisturbed(mesh)
    run = mesh.start(mesh.pipeline(STEPS))
    mine = Run.objects.filter(pk=run.pk)
    assert Lease.take(mine, state=RunState.CLAIMED) is not None  # and nothing more is heard
    assert services.advance_run(run.pk) is None, "its lease still holds"
    mine.update(lease_until=timezone.now() - PAST)
    assert services.sweep_runs() == 1

    run = drive(run)

    assert (run.state, digest_of(run)) == (RunState.DONE, expected)
    assert Version.objects.filter(product=run.target).count() == 2, "one draft a run"


def test_a_shard_that_kills_every_worker_fails_the_run(mesh: Mesh) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    run = mesh.start(mesh.pipeline(STEPS))
    services.advance_run(run.pk)
    (shard_id,) = open_shards(run)
    die(shard_id)
    RunShard.objects.filter(pk=shard_id).update(attempt=5)
    services.run_shard(shard_id)
    run.refresh_from_db()
    assert (run.state, run.reason_code) == (RunState.FAILED, "workers_die")
    services.retry_run(mesh.ana, run.pk)
    assert drive(run).state == RunState.DONE


def test_a_store_that_is_away_makes_the_run_wait_and_then_go_on(
    mesh: Mesh, small_shards: int, tmp_path: Path
) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    expected = undisturbed(mesh)
    run = mesh.start(mesh.pipeline(STEPS))
    services.advance_run(run.pk)
    shards = open_shards(run)
    services.run_shard(shards[0])
    root = Path(Store.objects.get(name="eu").root)
    root.rename(tmp_path / "away")

    services.run_shard(shards[1])

    run.refresh_from_db()
    assert (run.state, run.reason_code) == (RunState.WAITING, "store_unavailable")
    assert run.reason
    assert run.next_attempt_at > timezone.now()
    assert services.run_shard(shards[2]) is None, "nothing begins while the run waits"
    assert [store.name for store in check_stores()] == ["eu"]
    assert services.advance_run(run.pk) is None, "it is not due yet"
    (tmp_path / "away").rename(root)
    assert check_stores() == []
    deliver()  # the store is back
    run = drive(run)
    assert (run.state, digest_of(run), run.reason) == (RunState.DONE, expected, "")


def test_a_rotten_replica_is_passed_over_for_a_good_one(mesh: Mesh) -> None:
    version = mesh.publish({"a.jsonl": lines(ROWS)})
    good = Replica.objects.get(version=version)
    other = add_store("pt")
    Replica.objects.create(
        version=version,
        store=other,
        origin=ReplicaOrigin.TRANSFER,
        base=good.base,
        state=ReplicaState.COMPLETE,
    )
    data = open_store(good.store).read(good.base + "a.jsonl")
    Path(other.root, good.base, "a.jsonl").parent.mkdir(parents=True)
    Path(other.root, good.base, "a.jsonl").write_bytes(data)
    rotten = Path(good.store.root, good.base, "a.jsonl")
    rotten.write_bytes(data.replace(b"number", b"NUMBER"))

    run = mesh.run()

    assert run.home == "eu", "the store with the rotten replica is asked first"
    assert rows_of(run.output_version) == ROWS
    rotten.unlink()
    Run.objects.filter(pk=run.pk).update(run_digest="")
    assert rows_of(mesh.run().output_version) == ROWS


def test_rotten_bytes_without_a_good_replica_fail_the_run(mesh: Mesh) -> None:
    version = mesh.publish({"a.jsonl": lines(ROWS)})
    replica = Replica.objects.get(version=version)
    path = Path(replica.store.root, replica.base, "a.jsonl")
    path.write_bytes(path.read_bytes().replace(b"number", b"NUMBER"))
    run = mesh.run()
    assert (run.state, run.reason_code) == (RunState.FAILED, "integrity_broken")
    assert "a.jsonl" in run.reason


def test_a_tokenizer_that_changes_in_mid_run_makes_it_begin_anew(
    mesh: Mesh, small_shards: int, installed_tokenizer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh.publish({"a.jsonl": lines(ROWS)})
    steps = [{"tokenise": {"column": "text", "tokenizer": installed_tokenizer}}]
    run = mesh.start(mesh.pipeline(steps))
    services.advance_run(run.pk)
    done, changed, *_ = open_shards(run)
    services.run_shard(done)
    resolve = tokenizers.resolve

    def other(name: str) -> TokenizerFile:
        return TokenizerFile(resolve(name).data, "0" * 64)

    monkeypatch.setattr("transforms.tokenizers.resolve", other)
    services.run_shard(changed)
    run.refresh_from_db()
    assert (run.state, run.reason_code) == (RunState.FAILED, "invalid")
    services.retry_run(mesh.ana, run.pk)
    before = run.run_digest
    run = drive(run)
    assert run.state == RunState.DONE
    assert run.run_digest != before
    assert not RunShard.objects.filter(pk=done).exists()
    assert not [key for key in keys_of() if key.startswith(".scratch/")]
