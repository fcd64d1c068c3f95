"""The barrier behind a stage of a plan, and the desk that its units share."""

from __future__ import annotations

from core.errors import IntegrityBroken
from transforms.engine.barriers.base import Barrier, Desk
from transforms.engine.plan import Plan
from transforms.engine.sources import ByteSink


def barrier_behind(plan: Plan, stage: int, scratch: ByteSink) -> tuple[Barrier, Desk]:
    """Return what stands between a stage and the next; raises IntegrityBroken behind the last."""
    barrier, found = plan.barrier(stage), plan.stages[stage]
    if barrier is None:
        raise IntegrityBroken(f"Stage {stage} ends without a global step.")
    schema, digest = plan.schemas[found.end - 1], plan.run_digest
    return barrier, Desk(
        scratch, stage, schema, found.units, found.partitions, digest, found.beside
    )
