"""What a shard writes, one part or the parts of its split, and the indexes over them all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import pyarrow as pa

from core.errors import IntegrityBroken
from core.manifest import FileEntry
from transforms.engine.plan import Plan
from transforms.engine.sources import ByteSink
from transforms.engine.splitting import Splitter
from transforms.engine.writing import vectors
from transforms.engine.writing.base import Part, PartWriter, Whole
from transforms.engine.writing.files import SUMMARY_MEDIA_TYPE, OutFile
from transforms.engine.writing.registry import FORMATS


def part_names(plan: Plan) -> list[str]:
    """Return the folders of the output; one empty name when its files lie in none."""
    split = plan.spec.split
    return [FORMATS[plan.spec.output.format].ONLY_PART] if split is None else sorted(split.parts)


def part_stem(plan: Plan, name: str, shard: int) -> str:
    """Return the key of a part without its ending."""
    folders = (name, FORMATS[plan.spec.output.format].FOLDER)
    return "/".join(folder for folder in (*folders, f"part-{shard:05d}") if folder)


def written_schema(plan: Plan) -> pa.Schema:
    """Return the columns that the files hold."""
    output = plan.spec.output
    return FORMATS[output.format].written(plan.schemas[-1], output)


class ShardParts:
    """Takes the rows of a shard and writes each where it belongs.

    A context: when it ends with an error, no file that is still open appears.
    """

    def __init__(self, plan: Plan, shard: int, sink: ByteSink) -> None:
        split, output = plan.spec.split, plan.spec.output
        self._splitter = None if split is None else Splitter(split, shard)
        self._rows = 0
        with ExitStack() as opened:
            self._writers: dict[str, list[PartWriter]] = {}
            for name in part_names(plan):
                stem = part_stem(plan, name, shard)
                part = Part(sink, stem, shard, plan.schemas[-1], plan.group_rows)
                writers = [FORMATS[output.format].start(part, output)]
                if output.index is not None:
                    writers.append(vectors.VectorIndexPart(part, output.index))
                self._writers[name] = [opened.enter_context(each) for each in writers]
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._opened.__exit__(kind, error, trace)

    def write(self, batch: pa.RecordBatch) -> None:
        self._rows += batch.num_rows
        if self._splitter is None:
            (name,) = self._writers
            self._write(name, batch)
            return
        for name, rows in self._splitter.apply(batch):
            self._write(name, rows)

    def _write(self, name: str, batch: pa.RecordBatch) -> None:
        for writer in self._writers[name]:
            writer.write(batch)

    def close(self) -> tuple[tuple[FileEntry, ...], dict[str, int]]:
        """Complete the files; return them, and what was counted: the rows of each part of a split.

        Raises IntegrityBroken unless the files hold all rows that were given.
        """
        writers = [each for some in self._writers.values() for each in some]
        files = tuple(file for writer in writers for file in writer.close())
        held = rows_in(files)
        if held != self._rows:
            raise IntegrityBroken(f"{self._rows} rows were to be written, the files hold {held}.")
        counts: Counter[str] = Counter()
        for writer in writers:
            counts.update(writer.counts())
        if self._splitter is not None:
            counts.update({f"split_{name}": some[0].rows for name, some in self._writers.items()})
        return files, dict(counts)


def rows_in(files: Sequence[FileEntry]) -> int:
    return sum(file.rows or 0 for file in files)


def write_indexes(plan: Plan, files: Sequence[FileEntry], sink: ByteSink) -> tuple[FileEntry, ...]:
    """Write what the format and an index of vectors want to have said of all parts; return the
    entries of those files.

    `files` are those of all shards, in shard order. The same files give the same bytes, so it may
    be done again at any time.
    """
    output = plan.spec.output
    whole = Whole(plan.schemas[-1], output, plan.run_digest, part_names(plan), files)
    told = [*FORMATS[output.format].indexes(whole), *vectors.summaries(whole, sink.source)]
    return tuple(_written(sink, told))


def _written(sink: ByteSink, indexes: Sequence[tuple[str, bytes]]) -> Iterator[FileEntry]:
    for key, data in indexes:
        is_json = key.endswith(".json")
        file = OutFile(sink, key, SUMMARY_MEDIA_TYPE if is_json else "application/octet-stream")
        file.write(data)
        yield file.close(rows=0)
