"""image_filter: keep the rows whose bytes are an image of a wanted size and shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import pyarrow as pa

from transforms.engine.encoders import Encoders
from transforms.engine.images import (
    MOST_PIXELS,
    NOT_AN_IMAGE,
    TOO_MANY_PIXELS,
    NotUsable,
    decode,
    each_of,
    header_of,
    require_images,
    versions,
)
from transforms.engine.operators.base import (
    Applied,
    ColumnMap,
    Operator,
    RowByRow,
    Running,
    filtered_by,
    identity,
    keep_rows,
)
from transforms.engine.params import rule
from transforms.engine.problems import Problem, refuse

if TYPE_CHECKING:
    from PIL import Image

ImageFormat = Literal["jpeg", "png", "webp", "gif", "bmp", "tiff"]
REASONS = (
    NOT_AN_IMAGE,
    TOO_MANY_PIXELS,
    "other_format",
    "too_narrow",
    "too_wide",
    "too_low",
    "too_high",
    "too_few_pixels",
    "too_long",
)


@dataclass(frozen=True)
class ImageFilter(Operator):
    """Drop the rows whose bytes are no image that can be decoded, or not of the size asked for.

    Width and height are those of the image as it is shown, so its EXIF orientation counts. A row
    goes under the first of these that holds: `not_an_image`, `too_many_pixels`, `other_format`,
    `too_narrow`, `too_wide`, `too_low`, `too_high`, `too_few_pixels`, and `too_long` for its
    aspect. The number of pixels stands in the header: what has too many is not decoded. Of an
    animation the first frame is looked at.
    """

    NAME: ClassVar[str] = "image_filter"
    VERSION: ClassVar[int] = 1

    column: str = field(default="bytes", metadata=rule("The column with the bytes of images."))
    formats: tuple[ImageFormat, ...] = field(
        default=(), metadata=rule("The formats that stay; by default all.")
    )
    min_width: int = field(default=1, metadata=rule("In pixels.", minimum=1))
    max_width: int | None = field(default=None, metadata=rule("In pixels.", minimum=1))
    min_height: int = field(default=1, metadata=rule("In pixels.", minimum=1))
    max_height: int | None = field(default=None, metadata=rule("In pixels.", minimum=1))
    min_pixels: int = field(default=1, metadata=rule("Width times height.", minimum=1))
    max_pixels: int = field(
        default=MOST_PIXELS,
        metadata=rule(
            "Width times height; each takes up to 4 bytes of memory.",
            minimum=1,
            maximum=1_000_000_000,
        ),
    )
    max_aspect: float | None = field(
        default=None, metadata=rule("The longer side divided by the shorter one.", minimum=1)
    )

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        require_images(schema, self.column, "column")
        bounds = (
            ("max_width", self.min_width, self.max_width),
            ("max_height", self.min_height, self.max_height),
            ("max_pixels", self.min_pixels, self.max_pixels),
        )
        problems = [
            Problem(where, f"No image has at least {least} and at most {most}.")
            for where, least, most in bounds
            if most is not None and most < least
        ]
        if problems:
            raise refuse(problems)
        return schema

    def column_map(self, schema: pa.Schema) -> ColumnMap:
        return filtered_by((self.column,), {name: identity(name) for name in schema.names})

    def versions(self) -> Mapping[str, str]:
        return versions()

    def start(self, encoders: Encoders) -> Running:
        return RowByRow(self.apply)

    def apply(self, batch: pa.RecordBatch) -> Applied:
        _, reasons = each_of(batch.column(self.column), self.max_pixels, self._check)
        failed = [-1 if reason is None else REASONS.index(reason) for reason in reasons]
        return keep_rows(batch, np.array(failed, np.int64), REASONS)

    def _check(self, image: Image.Image) -> None:
        """Raise NotUsable where an image goes; one of a size that stays must also be decodable."""
        for reason in self._broken(image):
            raise NotUsable(reason)
        decode(image)

    def _broken(self, image: Image.Image) -> Iterator[str]:
        told = header_of(image)
        width, height = told.size
        if self.formats and told.format not in self.formats:
            yield "other_format"
        if width < self.min_width:
            yield "too_narrow"
        if self.max_width is not None and width > self.max_width:
            yield "too_wide"
        if height < self.min_height:
            yield "too_low"
        if self.max_height is not None and height > self.max_height:
            yield "too_high"
        if width * height < self.min_pixels:
            yield "too_few_pixels"
        if self.max_aspect is not None and max(told.size) > self.max_aspect * min(told.size):
            yield "too_long"
