"""Every record of TFRecord and MDS as columns for a scan, those that no run takes as rows, too."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import BinaryIO

import pyarrow as pa

from transforms.engine.arrow import Column, array_of
from transforms.engine.blocks import Block, lines_of
from transforms.engine.reading import mds, tfrecord
from transforms.engine.reading.binary import some_at_once
from transforms.engine.reading.json_values import NO_JSON, WRONG, parsed

_NO_TEXT = frozenset({"bytes", "jpeg", "png", "pil"})
"""Encodings of bytes; where they are UTF-8, they are looked at all the same."""


def of_tfrecord(path: str, stream: BinaryIO) -> Iterator[Block]:
    """Yield the features of each example, and what is no example as lines."""
    for records in some_at_once(tfrecord.records(stream, path)):
        examples: list[tfrecord.Example] = []
        others: list[bytes] = []
        for record in records:
            try:
                examples.append(tfrecord.example_of(record.data))
            except ValueError:
                others.append(record.data)
        try:
            yield Block(len(examples), tuple(tfrecord.columns_of(examples)))
        except ValueError:
            others = [record.data for record in records]
        if others:
            yield lines_of(b"\n".join(others))


def of_mds(path: str, stream: BinaryIO) -> Iterator[Block]:
    """Yield the columns of each sample, and what is no sample as lines."""
    columns, records = mds.opened(path, stream)
    samples = mds.Samples(columns)
    for some in some_at_once(records):
        rows: list[Sequence[bytes]] = []
        others: list[bytes] = []
        for record in some:
            try:
                rows.append(samples.decoded(record.data))
            except ValueError:
                others.append(record.data)
        told = (
            (name, _of_mds([row[column.at] for row in rows], column.encoding))
            for name, column in columns.items()
        )
        yield Block(len(rows), tuple(told))
        if others:
            yield lines_of(b"\n".join(others))


def _of_mds(values: Sequence[bytes], encoding: str) -> Column:
    """Return what there is to look at in values that are written so.

    What is read by no run, as pickles, is text all the same.
    """
    if mds.bare(encoding) in _NO_TEXT:
        return array_of(values, pa.large_binary())
    if mds.bare(encoding) == "json":
        return _texts(map(_spelled, values))
    if not mds.is_text(encoding):
        with suppress(*WRONG):
            return mds.column_of(values, encoding)
    return _texts(value.decode(errors="replace") for value in values)


def _spelled(value: bytes) -> str:
    """Return JSON as text, in which no character is written as its number."""
    found = parsed(value)
    if found is NO_JSON:
        return value.decode(errors="replace")
    text = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
    return text.encode(errors="replace").decode()


def _texts(values: Iterable[str]) -> Column:
    return pa.array(list(values), pa.large_string())
