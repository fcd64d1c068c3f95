"""Every format by its name, found by looking into this package, and what they ask of a document."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from types import MappingProxyType

import pyarrow as pa

from transforms.engine import writing
from transforms.engine.output import Output
from transforms.engine.problems import Problem
from transforms.engine.writing import vectors
from transforms.engine.writing.base import Format


def _discover() -> Mapping[str, Format]:
    found: dict[str, Format] = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(writing.__path__)):
        if module == "registry":
            continue
        for member in vars(importlib.import_module(f"{writing.__name__}.{module}")).values():
            if inspect.isclass(member) and issubclass(member, Format) and member is not Format:
                found[member.NAME] = member()
    return MappingProxyType(found)


FORMATS: Mapping[str, Format] = _discover()


def output_problems(output: Output, schema: pa.Schema) -> Iterator[Problem]:
    """Yield why rows of `schema` cannot be written as `output` asks."""
    chosen = FORMATS[output.format]
    if output.compression is not None and output.compression not in chosen.COMPRESSIONS:
        known = ", ".join(chosen.COMPRESSIONS)
        message = f"{output.format} knows {known}, not {output.compression}."
        yield Problem("output.compression", message, chosen.COMPRESSIONS[0])
    if output.key is not None and output.format != "webdataset":
        yield Problem("output.key", "Only webdataset names its samples by a column.")
    if output.column is not None and output.format != "megatron":
        yield Problem("output.column", "Only megatron writes one column; use a select step.")
    if output.index is not None:
        if not chosen.INDEXABLE:
            message = f"An index leads to rows by their numbers, which {output.format} has not."
            yield Problem("output.format", message, "parquet")
        yield from vectors.problems(output.index, schema)
    if not schema.names:
        yield Problem("output.format", "No column is left to write.")
    yield from chosen.problems(schema, output)


def writer_versions(output: Output) -> Mapping[str, str]:
    """Return the packages that decide the bytes of what is written, by their versions."""
    index = {} if output.index is None else vectors.versions()
    return {**FORMATS[output.format].versions(), **index}
