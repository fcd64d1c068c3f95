"""fix_encoding: text that was read in the wrong encoding, read right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import ClassVar, cast

import ftfy
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.engine.arrow import text_of
from transforms.engine.encoders import Encoders
from transforms.engine.operators.base import (
    Applied,
    ColumnMap,
    Operator,
    RowByRow,
    Running,
    edited_in_place,
)
from transforms.engine.params import rule
from transforms.engine.problems import require_text


@dataclass(frozen=True)
class FixEncoding(Operator):
    """Turn `schÃ¶n` back into `schön`, line by line, where it is clear what was meant; no row goes.

    What reads well stays as it is. Lines are looked at apart, since they may come from different
    places. Nulls stay null.

    Cost: Python sees the lines that are not plain ASCII.
    """

    NAME: ClassVar[str] = "fix_encoding"
    VERSION: ClassVar[int] = 1

    column: str = field(metadata=rule("The text column."))

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        require_text(schema, self.column, "column")
        return schema

    def column_map(self, schema: pa.Schema) -> ColumnMap:
        return edited_in_place(self.column, schema)

    def versions(self) -> Mapping[str, str]:
        return {"ftfy": version("ftfy")}

    def start(self, encoders: Encoders) -> Running:
        return RowByRow(self.apply)

    def apply(self, batch: pa.RecordBatch) -> Applied:
        position = batch.schema.get_field_index(self.column)
        column = text_of(batch.column(position))
        plain = pc.string_is_ascii(column).fill_null(True)
        places = np.flatnonzero(~plain.to_numpy(zero_copy_only=False))
        before = cast("list[str]", column.take(places).to_pylist())
        after = [_fixed(text) for text in before]
        changed = [old != new for old, new in zip(before, after, strict=True)]
        if not any(changed):
            return Applied(batch)
        mask = np.zeros(len(column), np.bool_)
        mask[places] = True
        text = text_of(pc.replace_with_mask(column, pa.array(mask), pa.array(after, column.type)))
        made = batch.set_column(position, batch.schema.field(position), text)
        return Applied(made, counts={"encoding_fixed": sum(changed)})


def _fixed(text: str) -> str:
    lines = text.split("\n")
    return "\n".join(line if line.isascii() else ftfy.fix_encoding(line) for line in lines)
