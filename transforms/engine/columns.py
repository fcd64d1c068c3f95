"""Which columns of the inputs each column of the result depends on, through all steps."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from transforms.engine.operators.base import ColumnMap, ColumnUse, Kind, Subtype, identity
from transforms.engine.spec import Spec


def columns_through(
    spec: Spec, inputs: Sequence[pa.Schema], schemas: Sequence[pa.Schema]
) -> ColumnMap:
    """Return the column maps of all steps in one; a mark depends on no column."""
    rows = [number for number in range(len(inputs)) if number not in spec.joined]
    whole: ColumnMap = {
        name: tuple(identity(name, number) for number in rows if name in inputs[number].names)
        for name in schemas[0].names
    }
    for step, schema in zip(spec.steps, schemas, strict=False):
        whole = {name: _composed(whole, uses) for name, uses in step.column_map(schema).items()}
    return whole


def _composed(before: ColumnMap, uses: tuple[ColumnUse, ...]) -> tuple[ColumnUse, ...]:
    looked_up = {use for use in uses if use.input}
    found = {_through(first, use) for use in uses if not use.input for first in before[use.column]}
    return tuple(sorted(found | looked_up))


def _through(first: ColumnUse, then: ColumnUse) -> ColumnUse:
    """Return the use of the first input by the last output; indirect and masking both stick."""
    can_mask = first.legible or first.kind is Kind.INDIRECT
    masking = first.masking or (then.masking and can_mask)
    for use in (first, then):
        if use.kind is Kind.INDIRECT:
            return ColumnUse(first.column, Kind.INDIRECT, use.subtype, masking, input=first.input)
    stronger = (Subtype.AGGREGATION, Subtype.TRANSFORMATION, Subtype.IDENTITY)
    subtype = next(each for each in stronger if each in (first.subtype, then.subtype))
    legible = first.legible and then.legible
    return ColumnUse(first.column, Kind.DIRECT, subtype, masking, legible, first.input)
