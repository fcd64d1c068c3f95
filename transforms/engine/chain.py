"""The steps of a stage as one chain: a batch goes in, what is left of it comes out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence

import pyarrow as pa

from core.errors import IntegrityBroken
from transforms.engine.encoders import Encoders
from transforms.engine.operators.base import Applied, Operator, Scope
from transforms.engine.result import ADDED


class Chain:
    """Steps at work on one shard, with their counts; feed it batches in order, then finish it."""

    def __init__(self, steps: Sequence[Operator], encoders: Encoders) -> None:
        self._steps = steps
        self._running = [step.start(encoders) for step in steps]
        regrouping = [at for at, step in enumerate(steps) if step.SCOPE is Scope.SHARD]
        self._regroups_at = regrouping[0] if regrouping else len(steps)
        self.documents = 0
        self.dropped: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.seconds: dict[str, float] = {}
        self.rows: list[Counter[str]] = [Counter() for _ in steps]
        """Of each step `rows_in`, `rows_out` and `dropped.<reason>`."""

    def apply(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Yield what came out for `batch`: nothing, or one batch with rows."""
        yield from self._from(0, batch)

    def finish(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows that steps still held."""
        for position, running in enumerate(self._running):
            applied = running.finish()
            if applied is not None:
                self._count(position, None, applied)
                yield from self._from(position + 1, applied.batch)

    def _from(self, position: int, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        for at in range(position, len(self._steps)):
            if at == self._regroups_at:
                self.documents += batch.num_rows
            if not batch.num_rows:
                return
            began = time.perf_counter()
            applied = self._running[at].apply(batch)
            self._spent(self._steps[at].NAME, time.perf_counter() - began)
            self._count(at, batch, applied)
            batch = applied.batch
        if self._regroups_at == len(self._steps):
            self.documents += batch.num_rows
        if batch.num_rows:
            yield batch

    def _spent(self, name: str, seconds: float) -> None:
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds

    def _count(self, position: int, batch: pa.RecordBatch | None, applied: Applied) -> None:
        dropped = applied.dropped()
        self.rows[position].update(
            rows_in=0 if batch is None else batch.num_rows,
            rows_out=applied.batch.num_rows,
            **{f"dropped.{reason}": count for reason, count in dropped.items()},
        )
        self.counts.update(applied.counts)
        if position <= self._regroups_at:
            self.dropped.update(dropped)
            self.counts.update({ADDED: applied.added} if applied.added else {})
        if batch is None or self._steps[position].SCOPE is Scope.SHARD:
            return
        if batch.num_rows + applied.added != applied.batch.num_rows + sum(dropped.values()):
            raise IntegrityBroken(
                f"{self._steps[position].NAME} took {batch.num_rows} rows, added {applied.added}, "
                f"gave {applied.batch.num_rows} and named {sum(dropped.values())} as dropped."
            )
