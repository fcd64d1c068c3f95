"""What of an earlier run need not be done again: shards with the same digest.

A shard's digest covers the pipeline, the operators, the libraries and the bytes of its input, so
equal shards give equal rows. Their files may be taken over as they are, unless the bytes tell the
number of the shard and that is another one now.
"""

from __future__ import annotations

from dataclasses import replace

from core.manifest import FileEntry
from transforms.engine.parts import part_names, part_stem
from transforms.engine.plan import Plan
from transforms.engine.result import ShardResult
from transforms.engine.shard import quarantine_stem
from transforms.engine.writing.registry import FORMATS


def is_incremental(plan: Plan) -> bool:
    """Say whether shards stand for themselves: no step sees the rows of another shard."""
    return len(plan.stages) == 1


def taken_over(plan: Plan, result: ShardResult, index: int) -> ShardResult | None:
    """Return what shard `index` of this plan gives, by the result of an equal shard.

    None when it must be done: a step sees all rows, or the bytes tell another shard's number.
    """
    if not is_incremental(plan) or (result.shard != index and _tells_shards(plan)):
        return None
    stems = {
        part_stem(plan, name, result.shard): part_stem(plan, name, index)
        for name in part_names(plan)
    } | {quarantine_stem(result.shard): quarantine_stem(index)}
    quarantine = result.quarantine
    return replace(
        result,
        shard=index,
        outputs=tuple(_renamed(entry, stems) for entry in result.outputs),
        quarantine=None if quarantine is None else _renamed(quarantine, stems),
        seconds={},
        reused=True,
    )


def _tells_shards(plan: Plan) -> bool:
    split, output = plan.spec.split, plan.spec.output
    by_place = split is not None and split.by is None
    return by_place or FORMATS[output.format].tells_shards(output)


def _renamed(entry: FileEntry, stems: dict[str, str]) -> FileEntry:
    old = next(stem for stem in stems if entry.path.startswith(f"{stem}."))
    return replace(entry, path=stems[old] + entry.path.removeprefix(old))
