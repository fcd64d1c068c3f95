"""The state of a run goes by rank, whatever the order in which its events arrive."""

from __future__ import annotations

from typing import Any

import pytest

from lineage import services
from lineage.models import Node


@pytest.mark.parametrize(
    ("states", "held"),
    [
        (["START", "COMPLETE"], "COMPLETE"),
        (["COMPLETE", "START"], "COMPLETE"),
        (["FAIL", "RUNNING", "START"], "FAIL"),
        (["COMPLETE", "OTHER"], "COMPLETE"),
        (["START", "RUNNING"], "RUNNING"),
    ],
)
@pytest.mark.parametrize("batch", [True, False])
def test_rank_decides(db: None, run_event: Any, states: list[str], held: str, batch: bool) -> None:
    events = [run_event(["a"], ["b"], eventType=state) for state in states]
    if batch:
        services.record_batch(events)
    else:
        for event in events:
            services.record(event)
    assert Node.objects.get(kind="run").run_state == held
