"""mixture: sources in given shares of the whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import ClassVar, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from core.errors import Invalid, InvalidSpec
from transforms.engine.arrow import Column
from transforms.engine.barriers.base import Barrier, Desk, Leaving
from transforms.engine.barriers.files import batch_writer, read_batch, read_batches, write_batches
from transforms.engine.hashing import place_hashes
from transforms.engine.operators.base import Applied, ColumnMap, filtered_by, identity
from transforms.engine.params import rule
from transforms.engine.problems import Problem, problems_of, refuse, require_column, require_text

Amounts = npt.NDArray[np.int64]
HEADS = 65_536
"""How finely a source is cut: what comes of it is right to one part in so many, or to a row."""
_REASONS = ("not_in_the_mixture", "beyond_its_share")
_SEEN = pa.schema([("source", pa.int32()), ("head", pa.int32()), ("amount", pa.int64())])
_SHARES = pa.schema([("copies", pa.int64()), ("heads", pa.int64())])


@dataclass(frozen=True)
class Mixture(Barrier):
    """Keep of each source as many rows that the sources stand in the given weights to each other.

    A source is a value of a column, such as one that marks the inputs. Which rows stay is chosen by
    a hash of their place, and they stay where they are. Without a size the result is as large as it
    can be with no row standing more often than `repeat` says. Rows of other sources are dropped.
    """

    NAME: ClassVar[str] = "mixture"
    VERSION: ClassVar[int] = 1
    EXCHANGES: ClassVar[bool] = False

    column: str = field(metadata=rule("The column that tells the source of a row."))
    weights: Mapping[str, float] = field(
        metadata=rule("The weight of each source; only their ratios count.")
    )
    by: str | None = field(
        default=None,
        metadata=rule(
            "What is weighed: a column of whole numbers, or one whose length counts (of text in "
            "bytes, of lists in items). By default each row weighs one."
        ),
    )
    size: int | None = field(
        default=None, metadata=rule("How much the result weighs together.", minimum=1)
    )
    repeat: int = field(
        default=1, metadata=rule("How often a row may stand at most.", minimum=1, maximum=64)
    )
    seed: int = field(
        default=0, metadata=rule("Another number chooses other rows.", minimum=0, maximum=2**53)
    )

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        problems: list[Problem] = []
        try:
            require_text(schema, self.column, "column")
            kind = None if self.by is None else require_column(schema, self.by, "by").type
        except InvalidSpec as error:
            raise refuse(problems_of(error)) from error
        if not self.weights:
            problems.append(Problem("weights", "Name at least one source."))
        for name, weight in self.weights.items():
            if not 0 < weight < float("inf"):
                message = f"A weight is a number above 0, not {weight}; leave out what has none."
                problems.append(Problem(f"weights.{name}", message))
        if kind is not None and not (pa.types.is_integer(kind) or _has_length(kind)):
            message = f"{self.by!r} holds {kind}; weigh by whole numbers, texts or lists."
            problems.append(Problem("by", message))
        if problems:
            raise refuse(problems)
        return schema

    def column_map(self, schema: pa.Schema) -> ColumnMap:
        causes = (self.column,) if self.by is None else (self.column, self.by)
        return filtered_by(causes, {name: identity(name) for name in schema.names})

    def partitions(self, units: int, total_bytes: int) -> int:
        return 1

    def levels(self, partitions: int) -> tuple[int, ...]:
        return (1,)

    def units_behind(self, units: int, partitions: int) -> int:
        return units

    @contextmanager
    def leave(self, desk: Desk, unit: int) -> Iterator[Leaving]:
        with batch_writer(desk.scratch, desk.rows_key(unit), desk.schema, compress=True) as writer:
            weighing = _Weighing(self, unit, writer)
            yield weighing
        seen = weighing.seen()
        write_batches(desk.scratch, desk.notes_key(unit, "weights"), _SEEN, [seen])

    def work(self, desk: Desk, level: int, task: int) -> int:
        """Find what each source gives. Memory: half a MiB for each source."""
        amounts = np.zeros((len(self.weights), HEADS), np.int64)
        for unit in range(desk.units):
            seen = read_batch(desk.scratch.source(desk.notes_key(unit, "weights")), 0)
            source, head, amount = (each.to_numpy() for each in seen.columns)
            amounts[source, head] += amount
        shares = self._shares(amounts)
        columns = [pa.array([each[at] for each in shares], pa.int64()) for at in (0, 1)]
        found = pa.RecordBatch.from_arrays(columns, schema=_SHARES)
        write_batches(desk.scratch, desk.found_key(level, task), _SHARES, [found])
        return 0

    def _shares(self, amounts: Amounts) -> list[tuple[int, int]]:
        """Return for each source how often all of it stands, and of how many heads once more."""
        have = amounts.sum(axis=1)
        for name, amount in zip(self.weights, have, strict=True):
            if not amount:
                raise Invalid(
                    f"Nothing came from {name!r}: no row has it in {self.column!r}. Leave it out "
                    "of the weights, or look into the input.",
                    source=name,
                )
        weights = np.array(list(self.weights.values()))
        shares = weights / weights.sum()
        most = float((have * self.repeat / shares).min())
        size = most if self.size is None else float(self.size)
        if size > most:
            scarce = list(self.weights)[int((have * self.repeat / shares).argmin())]
            raise Invalid(
                f"A mixture of {self.size} needs more of {scarce!r} than there is; with these "
                f"weights and repeat {self.repeat} it can be {int(most)} at most.",
                source=scarce,
                most=int(most),
            )
        return [
            _share(of, wanted) for of, wanted in zip(amounts, (shares * size).tolist(), strict=True)
        ]

    def rows(self, desk: Desk, unit: int) -> Iterator[Applied]:
        found = read_batch(desk.scratch.source(desk.found_key(0, 0)), 0)
        copies, heads = (each.to_numpy() for each in found.columns)
        first = 0
        for batch in read_batches(desk.scratch.source(desk.rows_key(unit))):
            source, head = self.sources(batch), self.heads(unit, first, batch.num_rows)
            times = copies[source] + (head < heads[source])
            yield _repeated(batch, np.where(source < 0, 0, times), source < 0)
            first += batch.num_rows

    def alone(
        self, batch: pa.RecordBatch, beside: Iterable[pa.RecordBatch] = ()
    ) -> tuple[Applied, npt.NDArray[np.int64]]:
        """Return what becomes of a few rows: shares need all, so each of a source stays once."""
        source = self.sources(batch)
        kept = _repeated(batch, (source >= 0).astype(np.int64), source < 0)
        return kept, np.arange(batch.num_rows)

    def sources(self, batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
        """Return the place of each row's source among the weights, -1 for any other."""
        names = pa.array(list(self.weights), batch.schema.field(self.column).type)
        found = pc.index_in(batch.column(self.column), value_set=names).fill_null(-1)
        return np.asarray(found.to_numpy(), np.int64)

    def heads(self, unit: int, first_row: int, rows: int) -> npt.NDArray[np.int64]:
        hashes = place_hashes(self.seed, unit, first_row, rows)
        return np.asarray(hashes >> np.uint64(48), np.int64)

    def amounts(self, batch: pa.RecordBatch) -> Amounts:
        """Return what each row weighs; a null and a negative number weigh nothing."""
        if self.by is None:
            return np.ones(batch.num_rows, np.int64)
        column = batch.column(self.by)
        numbers = _lengths(column) if _has_length(column.type) else column
        whole = cast("pa.Int64Array", numbers.cast(pa.int64())).fill_null(0)
        return np.maximum(np.asarray(whole.to_numpy(), np.int64), 0)


@dataclass
class _Weighing:
    """Writes the rows of a unit and adds up what they weigh, by source and head."""

    step: Mixture
    unit: int
    writer: pa.RecordBatchFileWriter
    rows: int = 0
    sums: Amounts | None = None

    def write(self, batch: pa.RecordBatch) -> None:
        step = self.step
        if self.sums is None:
            self.sums = np.zeros((len(step.weights), HEADS), np.int64)
        source, amount = step.sources(batch), step.amounts(batch)
        known = source >= 0
        head = step.heads(self.unit, self.rows, batch.num_rows)
        np.add.at(self.sums, (source[known], head[known]), amount[known])
        self.writer.write_batch(batch)
        self.rows += batch.num_rows

    def seen(self) -> pa.RecordBatch:
        sums = np.zeros((1, 1), np.int64) if self.sums is None else self.sums
        source, head = np.nonzero(sums)
        columns: Sequence[Column] = [
            pa.array(source.astype(np.int32)),
            pa.array(head.astype(np.int32)),
            pa.array(sums[source, head]),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=_SEEN)


def _share(amounts: Amounts, wanted: float) -> tuple[int, int]:
    """Return (copies of everything, heads of which one more) that come nearest to `wanted`."""
    copies, rest = divmod(wanted, float(amounts.sum()))
    reached = np.concatenate([[0], np.cumsum(amounts)])
    return int(copies), int(np.abs(reached - rest).argmin())


def _repeated(
    batch: pa.RecordBatch, times: npt.NDArray[np.int64], unknown: npt.NDArray[np.bool_]
) -> Applied:
    """Return each row as often as `times` says; of those with 0, why they are dropped."""
    gone = times == 0
    reasons = np.where(unknown, _REASONS[0], _REASONS[1])
    why = pa.array(reasons, pa.string(), mask=~gone)
    rows = np.repeat(np.arange(len(times)), times)
    added = len(rows) - int((~gone).sum())
    return Applied(batch.take(rows), why, added=added)


def _has_length(kind: pa.DataType) -> bool:
    types = pa.types
    asked = (
        types.is_string,
        types.is_large_string,
        types.is_binary,
        types.is_large_binary,
        types.is_list,
        types.is_large_list,
    )
    return any(ask(kind) for ask in asked)


def _lengths(column: Column) -> Column:
    is_list = pa.types.is_list(column.type) or pa.types.is_large_list(column.type)
    name = "list_value_length" if is_list else "binary_length"
    return cast("Column", pc.call_function(name, [column]))
