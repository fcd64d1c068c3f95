"""The rows of several inputs as rows of one kind: the same columns, in one order, of one type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pyarrow as pa

from core.errors import Invalid
from transforms.engine.arrow import Column
from transforms.engine.cutting import Shard
from transforms.engine.plan import Plan
from transforms.engine.readers import Read, read_pieces
from transforms.engine.sources import READ_BYTES, OpenInput


def rows_of(
    plan: Plan, shard: Shard, open_input: OpenInput, piece_bytes: int = READ_BYTES
) -> Iterator[Read]:
    """Yield the rows of a shard, as the steps expect those of its input, and what is no row.

    Raises Invalid when a file is damaged, or holds a number that the rows of all inputs together
    cannot hold.
    """
    schema = plan.rows_from(shard.input)
    marks = plan.spec.inputs[shard.input].mark or {}
    for found in read_pieces(shard.pieces, open_input, plan.inputs[shard.input], piece_bytes):
        if found.batch.schema.equals(schema):
            yield found
        else:
            yield replace(found, batch=_conformed(found.batch, schema, marks))


def _conformed(
    batch: pa.RecordBatch, schema: pa.Schema, marks: Mapping[str, str]
) -> pa.RecordBatch:
    """Return the rows with the columns of `schema`: marks filled in, and null what is not there."""
    columns: list[Column] = []
    for field in schema:
        if field.name in marks:
            columns.append(pa.repeat(pa.scalar(marks[field.name], field.type), batch.num_rows))
        elif batch.schema.get_field_index(field.name) < 0:
            columns.append(pa.nulls(batch.num_rows, field.type))
        else:
            columns.append(_widened(batch.column(field.name), field.name, field.type))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _widened(column: Column, name: str, kind: pa.DataType) -> Column:
    try:
        return column.cast(kind)
    except pa.ArrowInvalid as error:
        raise Invalid(
            f"A value of {name!r} is no {kind}, as which the inputs hold it together; declare its "
            "type in each of them.",
            column=name,
        ) from error
