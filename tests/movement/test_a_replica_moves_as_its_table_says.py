"""Every state of a replica by every state: what the table does not know is refused, and undone."""

from __future__ import annotations

import pytest

from core.errors import Conflict
from movement.models import REPLICA_MOVES, Replica, ReplicaState
from movement.services.copies import move_replica
from tests.builders import World
from tests.movement.conftest import WIKI


def test_every_state_by_every_state(folders: World) -> None:
    folders.publish(WIKI, {"a.csv": b"x\n1\n"}, store="dir-eu")
    replica = Replica.objects.get()
    assert set(REPLICA_MOVES) == set(ReplicaState)
    for before in ReplicaState:
        for after in ReplicaState:
            Replica.objects.update(state=before, reason_code="", reason="")
            replica.refresh_from_db()
            if after in REPLICA_MOVES[before]:
                assert move_replica(replica, after, "why", "Because.") == 1
            else:
                with pytest.raises(Conflict):
                    move_replica(replica, after, "why", "Because.")
            stored = Replica.objects.get()
            allowed = after in REPLICA_MOVES[before]
            assert stored.state == replica.state == (after if allowed else before)
            assert stored.reason_code == ("why" if allowed else "")


def test_of_many_all_move_or_none(folders: World) -> None:
    for _ in range(2):
        folders.publish(WIKI, {"a.csv": b"x\n1\n"}, store="dir-eu")
    first, second = Replica.objects.order_by("id")
    Replica.objects.filter(pk=second.pk).update(state=ReplicaState.DELETED)
    with pytest.raises(Conflict):
        move_replica(Replica.objects.all(), ReplicaState.SUSPECT)
    assert Replica.objects.get(pk=first.pk).state == ReplicaState.COMPLETE
    assert move_replica(Replica.objects.filter(pk=first.pk), ReplicaState.SUSPECT) == 1
    assert move_replica(Replica.objects.none(), ReplicaState.SUSPECT) == 0
