"""One step at work on one batch, and what its column map promises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from transforms.engine.arrow import Column
from transforms.engine.encoders import Encoders, TokenizerFile
from transforms.engine.operators.base import Applied, Operator

Rows = Sequence[Mapping[str, object]]


def no_tokenizer(name: str) -> TokenizerFile:
    raise AssertionError(f"No step here asks for the tokenizer {name}.")


def applied(step: Operator, batch: pa.RecordBatch) -> Applied:
    """Return what the step made of `batch`; its schema is as planned, and its rows add up."""
    running = step.start(Encoders(no_tokenizer))
    made = running.apply(batch)
    assert made.batch.schema.equals(step.output_schema(batch.schema))
    made.batch.validate(full=True)
    assert batch.num_rows + made.added == made.batch.num_rows + sum(made.dropped().values())
    assert running.finish() is None
    return made


def texts(*values: str | None, first: int = 0) -> pa.RecordBatch:
    """Return a batch of these texts, numbered from `first` on."""
    columns: dict[str, Column] = {
        "n": pa.array(range(first, first + len(values)), pa.int64()),
        "text": pa.array(values, pa.string()),
    }
    return pa.record_batch(columns)


def assert_columns_depend_as_told(
    step: Operator, batch: pa.RecordBatch, changed: pa.RecordBatch
) -> None:
    """Change one input column at a time; only columns whose map names it may become others."""
    told = step.column_map(batch.schema)
    assert list(told) == step.output_schema(batch.schema).names
    before = applied(step, batch).batch
    seen = set()
    for position, column in enumerate(batch.schema.names):
        other = batch.set_column(position, batch.schema.field(position), changed.column(position))
        after = applied(step, other).batch
        for name, uses in told.items():
            if not after[name].equals(before[name]):
                assert column in {use.column for use in uses}, f"{name} depends on {column}"
                seen.add((name, column))
    assert seen, "the change changes nothing, so it shows nothing"
