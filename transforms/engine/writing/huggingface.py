"""A folder that Hugging Face `datasets` opens with `load_from_disk`, without copying a row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import ClassVar, cast

import pyarrow as pa

from core.canonical import canonical_digest
from transforms.engine.output import Output
from transforms.engine.problems import Problem
from transforms.engine.writing.arrow_ipc import ArrowPart
from transforms.engine.writing.base import Format, Part, PartWriter, Whole

_REFUSED = (
    pa.types.is_map,
    pa.types.is_union,
    pa.types.is_fixed_size_binary,
    pa.types.is_dictionary,
    pa.types.is_interval,
)


class HuggingFace(Format):
    """A saved DatasetDict: Arrow streams, a folder for each part; `train` where nothing is split.

    `datasets` learns the features from the Arrow schema, so that it reads what any release of it
    would have written.
    """

    NAME: ClassVar[str] = "huggingface"
    VERSION: ClassVar[int] = 1
    ONLY_PART: ClassVar[str] = "train"

    def problems(self, schema: pa.Schema, output: Output) -> Iterator[Problem]:
        for field in schema:
            if any(ask(kind) for kind in _within(field.type) for ask in _REFUSED):
                message = (
                    f"`datasets` has no feature for {field.name!r}: {field.type}; leave it out."
                )
                yield Problem("output.format", message)

    def start(self, part: Part, output: Output) -> PartWriter:
        return ArrowPart(part, "none", stream=True)

    def indexes(self, whole: Whole) -> Iterator[tuple[str, bytes]]:
        yield "dataset_dict.json", _json({"splits": list(whole.parts)})
        for part in whole.parts:
            files = whole.files_of(part)
            state: dict[str, object] = {
                "_data_files": [{"filename": file.path.removeprefix(f"{part}/")} for file in files],
                "_fingerprint": canonical_digest([whole.run_digest, part])[7:23],
                "_format_columns": None,
                "_format_kwargs": {},
                "_format_type": None,
                "_output_all_columns": False,
                "_split": part,
            }
            yield f"{part}/state.json", _json(state)
            size = sum(file.bytes for file in files)
            yield f"{part}/dataset_info.json", _json({"dataset_size": size})


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2, sort_keys=True).encode() + b"\n"


def _within(kind: pa.DataType) -> Iterator[pa.DataType]:
    """Yield a type and all that it is made of."""
    yield kind
    if pa.types.is_struct(kind):
        for at in range(kind.num_fields):
            yield from _within(kind.field(at).type)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        yield from _within(cast("pa.ListType[pa.DataType]", kind).value_type)
