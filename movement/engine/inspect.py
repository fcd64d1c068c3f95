"""What a file says of itself: its columns and rows, read from as few bytes as possible."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq

from movement.engine.json_lines import require_objects

HEAD_BYTES = 1024 * 1024

MEDIA_TYPES = {
    ".parquet": "application/vnd.apache.parquet",
    ".jsonl": "application/jsonl",
    ".ndjson": "application/jsonl",
    ".csv": "text/csv",
    ".json": "application/json",
    ".txt": "text/plain",
    ".md": "text/markdown",
    ".gz": "application/gzip",
    ".zst": "application/zstd",
    ".arrow": "application/vnd.apache.arrow.file",
    ".orc": "application/vnd.apache.orc",
    ".tar": "application/x-tar",
    ".mds": "application/x-mds",
    ".tfrecord": "application/x-tfrecord",
    ".lance": "application/x-lance",
    ".usearch": "application/x-usearch",
}


@dataclass(frozen=True)
class Facts:
    """Columns as [{"name", "type", "nullable"}] and rows; empty and None when not told."""

    schema: list[dict[str, Any]]
    rows: int | None


UNKNOWN = Facts([], None)


def media_type_of(path: str) -> str:
    """Return the media type that the path's ending tells."""
    ending = "." + path.rsplit(".", 1)[-1].lower() if "." in path else ""
    return MEDIA_TYPES.get(ending, "application/octet-stream")


def inspect(media_type: str, size: int, open_file: Callable[[], BinaryIO]) -> Facts:
    """Return the facts of a file; UNKNOWN for what is not tabular or cannot be read as such.

    Parquet tells both in its footer. JSONL and CSV tell their columns in the first MiB, and their
    rows only when that is the whole file: counting the rest would be reading the rest.
    """
    try:
        with open_file() as file:
            if media_type == MEDIA_TYPES[".parquet"]:
                parquet = pq.ParquetFile(file)
                return Facts(columns(parquet.schema_arrow), parquet.metadata.num_rows)
            if media_type in {MEDIA_TYPES[".jsonl"], MEDIA_TYPES[".csv"]}:
                return _head(media_type, file.read(HEAD_BYTES), size)
    except (pa.ArrowException, UnicodeDecodeError):
        return UNKNOWN
    except OSError as error:
        if error.errno is not None:  # else it is what pyarrow says of damaged bytes
            raise
    return UNKNOWN


def _head(media_type: str, head: bytes, size: int) -> Facts:
    if len(head) < size:
        head = head[: head.rfind(b"\n") + 1]
    if not head:
        return UNKNOWN
    if media_type == MEDIA_TYPES[".jsonl"]:
        require_objects(head)
        table = pa.json.read_json(io.BytesIO(head))
    else:
        table = pa.csv.read_csv(io.BytesIO(head))
    return Facts(columns(table.schema), table.num_rows if len(head) == size else None)


def columns(schema: pa.Schema) -> list[dict[str, Any]]:
    return [
        {"name": field.name, "type": str(field.type), "nullable": field.nullable}
        for field in schema
    ]
