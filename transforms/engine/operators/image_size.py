"""image_size: how wide and high an image is, and of which format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import pyarrow as pa

from transforms.engine.arrow import AnyField
from transforms.engine.encoders import Encoders
from transforms.engine.images import each_of, header_of, require_images, versions
from transforms.engine.operators.base import (
    Applied,
    ColumnMap,
    Operator,
    RowByRow,
    Running,
    identity,
    transformed,
)
from transforms.engine.params import rule
from transforms.engine.problems import Problem, refuse

_FIELDS: tuple[AnyField, ...] = (
    pa.field("width", pa.int64()),
    pa.field("height", pa.int64()),
    pa.field("format", pa.string()),
)


@dataclass(frozen=True)
class ImageSize(Operator):
    """Add `width` and `height` in pixels, and `format`: jpeg, png, webp, gif, bmp or tiff.

    They are those of the image as it is shown, so its EXIF orientation counts. Only the header is
    looked at; where it is not one of such an image, the three are null, and no row goes.
    """

    NAME: ClassVar[str] = "image_size"
    VERSION: ClassVar[int] = 1

    column: str = field(default="bytes", metadata=rule("The column with the bytes of images."))

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        require_images(schema, self.column, "column")
        problems = [
            Problem("", f"There is a column {each.name!r} already; rename it before.")
            for each in _FIELDS
            if each.name in schema.names
        ]
        if problems:
            raise refuse(problems)
        return pa.schema([*schema, *_FIELDS])

    def column_map(self, schema: pa.Schema) -> ColumnMap:
        kept = {name: (identity(name),) for name in schema.names}
        return kept | {each.name: (transformed(self.column),) for each in _FIELDS}

    def versions(self) -> Mapping[str, str]:
        return versions()

    def start(self, encoders: Encoders) -> Running:
        return RowByRow(self.apply)

    def apply(self, batch: pa.RecordBatch) -> Applied:
        headers, _ = each_of(batch.column(self.column), None, header_of)
        arrays = [
            *batch.columns,
            pa.array([None if each is None else each.size[0] for each in headers], pa.int64()),
            pa.array([None if each is None else each.size[1] for each in headers], pa.int64()),
            pa.array([None if each is None else each.format for each in headers], pa.string()),
        ]
        schema = self.output_schema(batch.schema)
        return Applied(pa.RecordBatch.from_arrays(arrays, schema=schema))
