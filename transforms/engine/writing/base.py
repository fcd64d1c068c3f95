"""What a format is: a check of the schema, a writer of parts, and indexes over all parts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import ClassVar, Self

import pyarrow as pa

from core.digests import Digest
from core.errors import IntegrityBroken
from core.manifest import FileEntry
from transforms.engine.output import Compression, Output
from transforms.engine.problems import Problem
from transforms.engine.sources import ByteSink
from transforms.engine.writing.files import OutFile


@dataclass(frozen=True, slots=True)
class Part:
    """What one writer writes: the rows of one shard, or of one part of its split."""

    sink: ByteSink
    stem: str
    """The key without its ending, such as `train/part-00000`."""
    shard: int
    schema: pa.Schema
    group_rows: int


@dataclass(frozen=True, slots=True)
class Whole:
    """All that a run wrote, for the files that speak of all parts."""

    schema: pa.Schema
    output: Output
    run_digest: Digest
    parts: Sequence[str]
    """The names of the parts of the split; one empty name when nothing is split."""
    files: Sequence[FileEntry]
    """In shard order."""

    def files_of(self, part: str) -> list[FileEntry]:
        folder = f"{part}/" if part else ""
        return [file for file in self.files if file.path.startswith(folder)]


class PartWriter(ABC):
    """Writes the rows of one part. Batches may be cut anywhere: the bytes are the same.

    A context: when it ends with an error, none of the files still open appears. Memory: one row
    group, or what a format states of itself.
    """

    def __init__(self, part: Part) -> None:
        self.part = part
        self.rows = 0
        self._open: list[OutFile] = []
        self._done: list[FileEntry] = []

    def begin(self, ending: str, media_type: str, compression: Compression = "none") -> OutFile:
        """Open a file of this part; `finish` or the end of the context closes it."""
        file = OutFile(self.part.sink, self.part.stem + ending, media_type, compression)
        self._open.append(file)
        return file

    def finish(self, file: OutFile, rows: int) -> None:
        """Close a file that is complete and holds `rows` rows; an index holds none."""
        self._open.remove(file)
        self._done.append(file.close(rows))

    def write(self, batch: pa.RecordBatch) -> None:
        self.rows += batch.num_rows
        self.add(batch)

    def close(self) -> tuple[FileEntry, ...]:
        """Complete the files; return their manifest entries."""
        self.end()
        return tuple(self._done)

    @abstractmethod
    def add(self, batch: pa.RecordBatch) -> None:
        """Take the next rows."""

    @abstractmethod
    def end(self) -> None:
        """Write what is held and `finish` every file."""

    def counts(self) -> Mapping[str, int]:
        """Return what a closed writer has counted beside rows, under the names of the report."""
        return {}

    def give_up(self) -> None:  # noqa: B027 - most writers have nothing to close
        """Close what a library would else write to when it is collected."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._open:
            return
        why = error or IntegrityBroken(f"{self.part.stem} was left before it was complete.")
        for file in self._open:
            file.silence()
        self.give_up()
        for file in self._open:
            file.abandon(why)
        if error is None:
            raise why


class Format(ABC):
    """A way to write parts.

    `VERSION` must rise whenever the same rows would give other bytes: it is part of the digest that
    decides whether a run can be skipped.
    """

    NAME: ClassVar[str]
    VERSION: ClassVar[int]
    COMPRESSIONS: ClassVar[tuple[Compression, ...]] = ("none",)
    """What may be asked for; the first is the default."""
    ONLY_PART: ClassVar[str] = ""
    """The folder of a run that splits nothing."""
    FOLDER: ClassVar[str] = ""
    """Where in the folder of a part of the split its files lie."""
    INDEXABLE: ClassVar[bool] = False
    """Whether each part is one file whose rows can be read by their number."""

    @abstractmethod
    def problems(self, schema: pa.Schema, output: Output) -> Iterator[Problem]:
        """Yield what rows of `schema` lack for this format."""

    @abstractmethod
    def start(self, part: Part, output: Output) -> PartWriter:
        """Return a writer of a part whose schema has no problems."""

    def tells_shards(self, output: Output) -> bool:
        """Say whether the bytes of a part depend on the number of its shard."""
        del output
        return False

    def versions(self) -> Mapping[str, str]:
        """Return the packages, beside those of the engine, that decide what bytes are written."""
        return {}

    def written(self, schema: pa.Schema, output: Output) -> pa.Schema:
        """Return the columns that are written: all, unless a format knows one only."""
        del output
        return schema

    def indexes(self, whole: Whole) -> Iterator[tuple[str, bytes]]:
        """Yield the key and the bytes of each file that speaks of all parts."""
        del whole
        return iter(())

    def compression(self, output: Output) -> Compression:
        return output.compression or self.COMPRESSIONS[0]
