"""What an operator is: typed parameters, a schema, a column map, and a function over batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Protocol, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.engine.encoders import Encoders


class Scope(StrEnum):
    """How far an operator must see to answer."""

    ROW = "row"
    """Each row alone."""
    ROWS = "rows"
    """Each row alone, and it may become several: those beyond the first are counted as added."""
    SHARD = "shard"
    """All rows of a shard in order: it holds state, and regroups rows."""
    GLOBAL = "global"
    """All rows of the run: a barrier stands behind it."""


class Kind(StrEnum):
    """Source: OpenLineage column lineage facet 1.2, `transformations.type`."""

    DIRECT = "DIRECT"
    INDIRECT = "INDIRECT"


class Subtype(StrEnum):
    """Source: OpenLineage column lineage facet 1.2, `transformations.subtype`."""

    IDENTITY = "IDENTITY"
    TRANSFORMATION = "TRANSFORMATION"
    AGGREGATION = "AGGREGATION"
    FILTER = "FILTER"
    JOIN = "JOIN"
    GROUP_BY = "GROUP_BY"
    SORT = "SORT"


@dataclass(frozen=True, slots=True, order=True)
class ColumnUse:
    """One input column of an output column. `masking`: the value cannot be read back from it.

    `input` is the number of the pipeline's input that has the column; in what a step says of
    itself, 0 stands for the rows that come to it.

    `legible`: what a detector finds in the input it finds here, too, where it still stands. A step
    masks what it finds, so behind one that hid it, as base64 does, it masks nothing.
    """

    column: str
    kind: Kind
    subtype: Subtype
    masking: bool = False
    legible: bool = False
    input: int = 0


ColumnMap = Mapping[str, tuple[ColumnUse, ...]]
"""For each output column, in output order, the input columns it depends on."""


def identity(column: str, number: int = 0) -> ColumnUse:
    return ColumnUse(column, Kind.DIRECT, Subtype.IDENTITY, legible=True, input=number)


def edited(column: str) -> ColumnUse:
    """Return the use of a text that is put right or loses whole lines, and stays legible."""
    return ColumnUse(column, Kind.DIRECT, Subtype.TRANSFORMATION, legible=True)


def edited_in_place(column: str, schema: pa.Schema) -> ColumnMap:
    """Return the map in which `column` is edited and every other one stays."""
    return {name: (edited(name) if name == column else identity(name),) for name in schema.names}


def transformed(column: str) -> ColumnUse:
    return ColumnUse(column, Kind.DIRECT, Subtype.TRANSFORMATION)


def filtered_by(columns: tuple[str, ...], kept: Mapping[str, ColumnUse]) -> ColumnMap:
    """Return the map in which the rows of every column of `kept` were chosen by `columns`."""
    causes = tuple(
        ColumnUse(column, Kind.INDIRECT, Subtype.FILTER) for column in dict.fromkeys(columns)
    )
    return {name: (use, *causes) for name, use in kept.items()}


Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Applied:
    """What an operator made of a batch.

    `reasons` has one entry for each row that went in: null where the row was kept, else why it
    was dropped. It is None when every row was kept, and for operators that regroup rows.
    """

    batch: pa.RecordBatch
    reasons: pa.StringArray | None = None
    counts: Counts = field(default_factory=dict)
    added: int = 0
    """How many rows there are beyond one for each that was kept."""

    def dropped(self) -> dict[str, int]:
        """Return how many rows were dropped, by reason."""
        if self.reasons is None:
            return {}
        counted = pc.value_counts(self.reasons.drop_null())
        names = cast("list[str]", counted.field("values").to_pylist())
        counts = cast("list[int]", counted.field("counts").to_pylist())
        return dict(zip(names, counts, strict=True))


class Running(Protocol):
    """An operator at work on one shard; batches come in shard order."""

    def apply(self, batch: pa.RecordBatch) -> Applied: ...

    def finish(self) -> Applied | None:
        """Return the rows still held, or None when nothing is."""
        ...


class Operator(ABC):
    """Base of every operator; a subclass is a frozen dataclass of its parameters.

    `VERSION` must rise whenever the same parameters would give other bytes: it is part of the
    digest that decides whether a run can be skipped.
    """

    NAME: ClassVar[str]
    VERSION: ClassVar[int]
    SCOPE: ClassVar[Scope] = Scope.ROW

    @abstractmethod
    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        """Return the schema behind this step; raises InvalidSpec with `where` below the step."""

    @abstractmethod
    def column_map(self, schema: pa.Schema) -> ColumnMap:
        """Return where each output column comes from, for a valid input `schema`."""

    @abstractmethod
    def start(self, encoders: Encoders) -> Running:
        """Return this operator ready for one shard."""

    def tokenizers(self) -> tuple[str, ...]:
        """Return the names of the tokenizers that this step will ask for."""
        return ()

    def versions(self) -> Mapping[str, str]:
        """Return what else decides what comes out: packages, detectors, sets of texts."""
        return {}


@dataclass(frozen=True, slots=True)
class RowByRow:
    """A running operator without state: each batch is answered alone."""

    function: Callable[[pa.RecordBatch], Applied]

    def apply(self, batch: pa.RecordBatch) -> Applied:
        return self.function(batch)

    def finish(self) -> Applied | None:
        return None


def keep_rows(
    batch: pa.RecordBatch, failed: npt.NDArray[np.int64], reasons: tuple[str, ...]
) -> Applied:
    """Return the rows of `batch` where `failed` is negative; elsewhere it indexes `reasons`."""
    kept = failed < 0
    if kept.all():
        return Applied(batch)
    indices = pa.array(failed.astype(np.int32), pa.int32(), mask=kept)
    why = pa.DictionaryArray.from_arrays(indices, pa.array(reasons, pa.string()))
    texts = cast("pa.StringArray", why.cast(pa.string()))
    return Applied(batch.filter(pa.array(kept)), texts)
