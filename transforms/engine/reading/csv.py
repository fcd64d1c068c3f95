"""CSV as RFC 4180 has it: quoted fields may hold commas, newlines and doubled quotes."""

from __future__ import annotations

import csv
import io
import itertools
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from core.errors import Invalid
from transforms.engine.arrow import reader_of
from transforms.engine.reading.records import Bounds, Data, Positions, bytes_of

_NEWLINE, _QUOTE = 0x0A, 0x22


def complete(data: bytes) -> int:
    """Return where the last whole record of `data` ends; `data` begins with a record."""
    ends = _ends(data)
    return int(ends[-1]) if len(ends) else 0


def _ends(data: Data) -> Positions:
    """Return the positions behind the newlines that stand outside quotes."""
    values = bytes_of(data)
    newlines = np.flatnonzero(values == _NEWLINE)
    quotes = np.flatnonzero(values == _QUOTE)
    quotes_before = np.searchsorted(quotes, newlines)
    ends: Positions = newlines[quotes_before % 2 == 0] + 1
    return ends


def quotes_in(data: Data) -> int:
    """Return how many quotes there are, doubled ones twice."""
    return int(np.count_nonzero(bytes_of(data) == _QUOTE))


@dataclass(frozen=True, slots=True)
class Csv:
    """Reads the columns of `schema` out of records whose fields are `header`."""

    schema: pa.Schema
    header: tuple[str, ...]

    def complete(self, data: bytes) -> int:
        return complete(data)

    def bounds(self, data: Data) -> Bounds:
        ends = _ends(data)
        if not len(ends) or ends[-1] != len(data):
            ends = np.append(ends, len(data))
        starts = np.concatenate([np.zeros(1, np.int64), ends[:-1]])
        keep = ends - starts > 2
        for position in np.flatnonzero(~keep):
            keep[position] = bool(bytes(data[starts[position] : ends[position]]).strip(b"\r\n"))
        return Bounds(starts[keep], ends[keep], np.zeros(int(keep.sum()), np.bool_))

    def parse(self, data: Data) -> pa.Table:
        types = {field.name: field.type for field in self.schema}
        return _parse(
            data,
            self.header,
            pacsv.ConvertOptions(
                column_types=types, include_columns=self.schema.names, strings_can_be_null=False
            ),
        ).cast(self.schema)


def _parse(data: Data, header: tuple[str, ...], convert: pacsv.ConvertOptions) -> pa.Table:
    return pacsv.read_csv(
        reader_of(data),
        read_options=pacsv.ReadOptions(
            column_names=list(header), use_threads=False, block_size=len(data) + 1
        ),
        parse_options=pacsv.ParseOptions(newlines_in_values=True),
        convert_options=convert,
    )


def header_of(data: Data, source: str) -> tuple[tuple[str, ...], int]:
    """Return the column names and where the first record behind them begins.

    Raises Invalid when there is no usable header.
    """
    ends = _ends(data)
    end = int(ends[0]) if len(ends) else len(data)
    try:
        text = bytes(data[:end]).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid(f"The header of {source} is not UTF-8.", source=source) from error
    names = tuple(next(csv.reader(io.StringIO(text, newline="")), []))
    if not names or len(set(names)) < len(names):
        raise Invalid(f"{source} has no header, or one that names a column twice.", source=source)
    return names, end


def infer(sample: bytes, source: str) -> pa.Schema:
    """Return the schema of the records with a header that are UTF-8 and not ragged."""
    header, end = header_of(sample, source)
    records = _in_unicode(sample[end:])
    if not records:
        return pa.schema([(name, pa.string()) for name in header])
    handler = pacsv.ParseOptions(newlines_in_values=True, invalid_row_handler=lambda _: "skip")
    return pacsv.read_csv(
        reader_of(records),
        read_options=pacsv.ReadOptions(
            column_names=list(header), use_threads=False, block_size=len(sample) + 1
        ),
        parse_options=handler,
    ).schema


def _in_unicode(records: bytes) -> bytes:
    """Return the records that are UTF-8: with another among them pyarrow takes texts for bytes."""
    if _is_unicode(records):
        return records
    edges = [0, *_ends(records).tolist(), len(records)]
    whole = (records[start:end] for start, end in itertools.pairwise(edges))
    return b"".join(record for record in whole if _is_unicode(record))


def _is_unicode(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
