"""The Arrow files of a barrier: batches written one by one, any of them read without the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pyarrow as pa

from transforms.engine.arrow import file_of
from transforms.engine.sources import ByteSink, ByteSource, RangedFile

_LZ4 = pa.ipc.IpcWriteOptions(compression="lz4")
_AT_ONCE_BYTES = 32 * 1024
"""Up to here a file is asked for once, as a whole: else its end, its batches and what tells of them
are five questions, of which each may go to an object store."""


@contextmanager
def batch_writer(
    sink: ByteSink, key: str, schema: pa.Schema, *, compress: bool = False
) -> Iterator[pa.RecordBatchFileWriter]:
    """Give a writer of the file `key`, which appears when the block ends well."""
    options = _LZ4 if compress else None
    with (
        sink.create(key) as stream,
        pa.ipc.new_file(file_of(stream), schema, options=options) as writer,
    ):
        yield writer


def write_batches(
    sink: ByteSink, key: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]
) -> None:
    with batch_writer(sink, key, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


@contextmanager
def batch_reader(source: ByteSource) -> Iterator[pa.RecordBatchFileReader]:
    size = source.size
    file = (
        pa.BufferReader(source.read_range(0, size))
        if size <= _AT_ONCE_BYTES
        else pa.PythonFile(RangedFile(source), mode="r")
    )
    with pa.ipc.open_file(file) as reader:
        yield reader


def read_batch(source: ByteSource, position: int) -> pa.RecordBatch:
    """Return one batch; of a long file little more than its bytes is read."""
    with batch_reader(source) as reader:
        return reader.get_batch(position)


def read_batches(source: ByteSource) -> Iterator[pa.RecordBatch]:
    """Yield all batches, one in memory at a time."""
    with batch_reader(source) as reader:
        for position in range(reader.num_record_batches):
            yield reader.get_batch(position)
