"""image_resize: images of one size and one format, without anything else in the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow as pa

from transforms.engine.encoders import Encoders
from transforms.engine.images import (
    DEEP,
    MOST_PIXELS,
    NOT_AN_IMAGE,
    TOO_MANY_PIXELS,
    Encoding,
    each_of,
    encoded,
    header_of,
    require_images,
    resized,
    shown,
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
    transformed,
)
from transforms.engine.params import rule
from transforms.engine.problems import Problem, refuse

if TYPE_CHECKING:
    from PIL import Image

REASONS = (NOT_AN_IMAGE, TOO_MANY_PIXELS, DEEP)
_MOST_SIDE = 16_384


@dataclass(frozen=True)
class ImageResize(Operator):
    """Scale images to at most `longest` pixels, or exactly to `width` by `height`, and encode anew.

    With `longest` nothing is cut off and nothing enlarged; with `width` and `height` the middle of
    the image is kept and scaled. The EXIF orientation is done first. No metadata stays, so no
    place, camera or colour profile: colours are taken as sRGB. Of an animation the first frame
    stays.

    What is no image is dropped as `not_an_image`, one that is too large, which is told by its
    header, as `too_many_pixels`, and one of 16-bit or floating samples as `pixels_of_numbers`. The
    bytes depend on the versions of Pillow's libraries, which are part of the digest.
    """

    NAME: ClassVar[str] = "image_resize"
    VERSION: ClassVar[int] = 1

    column: str = field(default="bytes", metadata=rule("The column with the bytes of images."))
    longest: int | None = field(
        default=None,
        metadata=rule("The longer side in pixels.", minimum=1, maximum=_MOST_SIDE),
    )
    width: int | None = field(
        default=None, metadata=rule("In pixels, with `height`.", minimum=1, maximum=_MOST_SIDE)
    )
    height: int | None = field(
        default=None, metadata=rule("In pixels, with `width`.", minimum=1, maximum=_MOST_SIDE)
    )
    encoding: Encoding = field(default="jpeg", metadata=rule("The format of the result."))
    quality: int = field(
        default=90,
        metadata=rule("Of jpeg and webp; png loses nothing.", minimum=1, maximum=95),
    )
    max_pixels: int = field(
        default=MOST_PIXELS,
        metadata=rule(
            "Larger images are not decoded; a pixel takes up to 4 bytes of memory.",
            minimum=1,
            maximum=1_000_000_000,
        ),
    )

    def output_schema(self, schema: pa.Schema) -> pa.Schema:
        require_images(schema, self.column, "column")
        exact = (self.width is not None, self.height is not None)
        if exact != (self.longest is None,) * 2:
            raise refuse([Problem("", "Give either `longest`, or `width` and `height`.")])
        return schema

    def column_map(self, schema: pa.Schema) -> ColumnMap:
        kept = {
            name: transformed(name) if name == self.column else identity(name)
            for name in schema.names
        }
        return filtered_by((self.column,), kept)

    def versions(self) -> Mapping[str, str]:
        return versions()

    def start(self, encoders: Encoders) -> Running:
        return RowByRow(self.apply)

    def apply(self, batch: pa.RecordBatch) -> Applied:
        position = batch.schema.get_field_index(self.column)
        made, unusable = each_of(batch.column(position), self.max_pixels, self._made)
        failed = [-1 if why is None else REASONS.index(why) for why in unusable]
        kept = keep_rows(batch, np.array(failed, np.int64), REASONS)
        files = [each for each in made if each is not None]
        declared = batch.schema.field(position)
        put = kept.batch.set_column(position, declared, pa.array(files, declared.type))
        return Applied(put, kept.reasons)

    def _made(self, image: Image.Image) -> bytes:
        told = header_of(image)
        if self.width is not None and self.height is not None:
            size, crop = (self.width, self.height), True
        else:
            assert self.longest is not None, "output_schema was not asked"
            share = min(self.longest / max(told.size), 1)
            size, crop = (round(told.size[0] * share) or 1, round(told.size[1] * share) or 1), False
        return encoded(resized(shown(image, max(size)), size, crop), self.encoding, self.quality)
