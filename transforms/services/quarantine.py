"""The rows that a run set aside, as they stood in the input."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq

from catalog.selectors import product_resource
from governance import audit
from governance.engine.entities import Action, Principal, Situation
from governance.services import require
from movement.models import Store
from movement.opening import open_store
from transforms.engine.sources import RangedFile
from transforms.models import Run, RunState
from transforms.places import StoreFolder
from transforms.selectors import equal_run, run_for
from transforms.services.acting import require_whole_inputs
from transforms.services.ending import kept_of
from transforms.services.sources import versions_of

_BATCH_ROWS = 256


@dataclass(frozen=True, slots=True)
class SetAside:
    """One record that could not be read, where it stood, and why."""

    source: str
    byte_offset: int
    raw: bytes
    error: str


def quarantined_rows(actor: Principal, run_id: UUID, limit: int) -> list[SetAside]:
    """Return the first `limit` rows that the run set aside; for those who may read its inputs."""
    run = run_for(actor, run_id)
    versions = dict.fromkeys(versions_of(run))
    read = {each: require(actor, Action.READ, product_resource(each.product)) for each in versions}
    require_whole_inputs(actor, [each.product for each in versions], Situation())
    for version, decision in read.items():
        audit.record(actor, "read-quarantine", version.name, decision, run=str(run.pk))
    made = equal_run(run.run_digest, run.target_id) if run.state == RunState.SKIPPED else run
    return [] if made is None else list(islice(_rows(made), limit))


def _rows(run: Run) -> Iterator[SetAside]:
    paths = (run.report or {}).get("quarantines", [])
    if not paths:
        return
    kept = StoreFolder(open_store(Store.objects.get(name=run.home)), kept_of(run))
    for path in paths:
        with pq.ParquetFile(pa.PythonFile(RangedFile(kept.source(path)), mode="r")) as file:
            for batch in file.iter_batches(batch_size=_BATCH_ROWS, use_threads=False):
                yield from (SetAside(**row) for row in batch.to_pylist())
