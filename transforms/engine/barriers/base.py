"""A global step and the barrier that it puts between two stages.

The shards of the stage before leave their rows and what the step notes of them; tasks, level by
level, look at the notes of all shards; the units of the stage behind take up the rows that go on.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from transforms.engine.encoders import Encoders
from transforms.engine.operators.base import Applied, Operator, RowByRow, Running, Scope
from transforms.engine.sources import ByteSink

PARTITION_BYTES = 512 * 1024 * 1024
"""Input bytes for each partition of a barrier: bounds the memory of a task."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where the units of a stage leave what the barrier behind it needs, and how many there are."""

    scratch: ByteSink
    stage: int
    schema: pa.Schema
    """Of the rows that are left."""
    units: int
    partitions: int
    run_digest: str
    """Of the plan: it depends on all input, so nobody knew it who wrote some of the rows."""
    beside: int = 0
    """How many of the units, the last ones, left rows of the input that the step looks up."""

    def rows_key(self, unit: int) -> str:
        return f"stage-{self.stage}/shard-{unit:05d}.rows.arrow"

    def keys_key(self, unit: int) -> str:
        return f"stage-{self.stage}/shard-{unit:05d}.keys.arrow"

    def notes_key(self, unit: int, kind: str) -> str:
        return f"stage-{self.stage}/shard-{unit:05d}.{kind}.arrow"

    def found_key(self, level: int, task: int) -> str:
        return f"stage-{self.stage}/found-{level}-{task:05d}.arrow"


class Leaving(Protocol):
    """Takes the rows of a unit in order; what it writes is whole when its context ends well."""

    def write(self, batch: pa.RecordBatch) -> None: ...


class Barrier(Operator):
    """Base of the global steps. What they write does not depend on who works, or when."""

    SCOPE: ClassVar[Scope] = Scope.GLOBAL
    EXCHANGES: ClassVar[bool]
    """Whether rows go to other units than they came from."""

    def looks_up(self) -> int | None:
        """Return the number of the input that the step reads beside its rows, if there is one."""
        return None

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        return schema

    def start(self, encoders: Encoders) -> Running:
        """Pass every row: what becomes of it is known only behind the barrier."""
        return RowByRow(Applied)

    @abstractmethod
    def partitions(self, units: int, total_bytes: int) -> int:
        """Return into how many parts the notes, or the rows, of a run are divided."""

    @abstractmethod
    def levels(self, partitions: int) -> tuple[int, ...]:
        """Return how many tasks each level has; a level needs all of the one before."""

    @abstractmethod
    def units_behind(self, units: int, partitions: int) -> int:
        """Return how many units the next stage has."""

    @abstractmethod
    def leave(self, desk: Desk, unit: int) -> AbstractContextManager[Leaving]:
        """Take what unit `unit` of the stage before the barrier gives."""

    @abstractmethod
    def work(self, desk: Desk, level: int, task: int) -> int:
        """Do one task; return how many rows it found. Needs every unit and the level before."""

    @abstractmethod
    def rows(self, desk: Desk, unit: int) -> Iterator[Applied]:
        """Yield the rows of unit `unit` behind the barrier, with those dropped counted by reason.

        Needs every unit and every level.
        """

    @abstractmethod
    def alone(
        self, batch: pa.RecordBatch, beside: Iterable[pa.RecordBatch] = ()
    ) -> tuple[Applied, npt.NDArray[np.int64]]:
        """Return what becomes of `batch` if there is nothing else, and the rows in their order.

        `beside` are the rows of the input that the step looks up.
        """
