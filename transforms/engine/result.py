"""What became of a shard, and of a run: counts that must add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import cast

from core.digests import Chunk, Digest
from core.errors import IntegrityBroken
from core.manifest import FileEntry
from transforms.engine.encoders import Verdict
from transforms.engine.stored import rebuilt

ADDED = "added_rows"


@dataclass(frozen=True, slots=True)
class ShardResult:
    """The report of one shard in one stage."""

    stage: int
    shard: int
    digest: Digest
    rows_in: int
    """Records of the input in the first stage, rows of the intermediate in later ones."""
    documents: int
    """Rows that were kept, before any step that regroups rows."""
    rows_out: int
    dropped: Mapping[str, int]
    quarantined: int
    counts: Mapping[str, int]
    """Sums over the steps, such as `tokens` (without end tokens), `eos`, `packed_tokens`.

    `added_rows` are those that steps made beyond the ones that came in, before any regrouping.
    """
    bytes_in: int
    seconds: Mapping[str, float]
    """By step, and `read` and `write`; the only part that differs from run to run."""
    verdicts: Mapping[str, Verdict]
    """By tokenizer: which engine encoded, and why."""
    outputs: tuple[FileEntry, ...]
    """The files of the part, or of the parts of a split; none in stages before the last."""
    quarantine: FileEntry | None
    reused: bool = False
    """Whether the files are copies of what an equal shard of an earlier run gave."""
    steps: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By step: `rows_in`, `rows_out` and `dropped.<reason>`. What a global step drops is told by
    the stage behind it, as rows that went out of the step less than had gone in."""
    beside: bool = False
    """Whether its rows are looked up by a step, and not among those that the run accounts for."""

    def __post_init__(self) -> None:
        gone = sum(self.dropped.values()) + self.quarantined
        added = self.counts.get(ADDED, 0)
        if self.rows_in + added != self.documents + gone:
            raise IntegrityBroken(
                f"Shard {self.shard}: {self.rows_in} rows came in, {added} were added, "
                f"{self.documents} were kept and {gone} were dropped or quarantined.",
                shard=self.shard,
                stage=self.stage,
            )

    def to_json(self) -> dict[str, object]:
        return asdict(self)


def result_from_json(document: Mapping[str, object]) -> ShardResult:
    """Return the result that `ShardResult.to_json` wrote."""
    verdicts = cast("dict[str, object]", document["verdicts"])
    quarantine = document["quarantine"]
    return rebuilt(
        ShardResult,
        document,
        outputs=tuple(map(_entry, cast("list[object]", document["outputs"]))),
        quarantine=None if quarantine is None else _entry(quarantine),
        verdicts={name: rebuilt(Verdict, each) for name, each in verdicts.items()},
    )


def _entry(raw: object) -> FileEntry:
    chunks = cast("dict[str, list[object]]", raw)["chunks"]
    return rebuilt(FileEntry, raw, chunks=tuple(rebuilt(Chunk, chunk) for chunk in chunks))


@dataclass(frozen=True, slots=True)
class RunReport:
    """The sums of a run over its shards."""

    rows_in: int
    documents: int
    rows_out: int
    dropped: Mapping[str, int]
    quarantined: int
    counts: Mapping[str, int]
    bytes_in: int
    bytes_out: int
    seconds: Mapping[str, float]
    verdicts: Mapping[str, Verdict]
    outputs: tuple[FileEntry, ...]
    quarantines: tuple[FileEntry, ...] = field(default=())
    indexes: tuple[FileEntry, ...] = field(default=())
    """The files that speak of all parts; they hold no rows and are in no sum."""
    shards_reused: int = 0
    """Shards that were not done again, because an earlier run did equal ones."""
    bytes_reused: int = 0
    """Of `bytes_in`, what those shards read."""
    steps: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """As those of a shard."""
    beside: Mapping[str, int] = field(default_factory=dict)
    """Of the inputs that steps look up: `rows_in` and `quarantined`; empty where there are none."""

    def summary(self) -> dict[str, object]:
        """Return the report without its tables of files: those are in the manifest."""
        return {
            "rows_in": self.rows_in,
            "documents": self.documents,
            "rows_out": self.rows_out,
            "dropped": dict(self.dropped),
            "quarantined": self.quarantined,
            "counts": dict(self.counts),
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "seconds": dict(self.seconds),
            "quarantines": [each.path for each in self.quarantines],
            "shards_reused": self.shards_reused,
            "bytes_reused": self.bytes_reused,
            "steps": {step: dict(rows) for step, rows in self.steps.items()},
            "beside": dict(self.beside),
        }


def add_up(results: Sequence[ShardResult]) -> RunReport:
    """Return the report of a run out of the results of all its shards in all stages.

    Raises IntegrityBroken when a stage was not given what the stage before it had left.
    """
    last = max(each.stage for each in results)
    dropped: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    steps: dict[str, Counter[str]] = {}
    for each in results:
        for step, rows in each.steps.items():
            steps.setdefault(step, Counter()).update(rows)
        dropped.update(each.dropped)
        counts.update(each.counts)
        for name, spent in each.seconds.items():
            seconds[name] += spent  # type: ignore[assignment]  # a Counter of floats
    first = [each for each in results if each.stage == 0 and not each.beside]
    beside = [each for each in results if each.beside]
    final = [each for each in results if each.stage == last]
    quarantined = sum(each.quarantined for each in first)
    rows_in, documents = (
        sum(each.rows_in for each in first),
        sum(each.documents for each in final),
    )
    if rows_in + counts[ADDED] != documents + sum(dropped.values()) + quarantined:
        raise IntegrityBroken(f"{rows_in} rows came in, and the run accounts for other ones.")
    outputs = tuple(entry for each in final for entry in each.outputs)
    return RunReport(
        rows_in=rows_in,
        documents=documents,
        rows_out=sum(each.rows_out for each in final),
        dropped=dict(sorted(dropped.items())),
        quarantined=quarantined,
        counts=dict(sorted(counts.items())),
        bytes_in=sum(each.bytes_in for each in results),
        bytes_out=sum(entry.bytes for entry in outputs),
        seconds=dict(seconds),
        verdicts={name: verdict for each in results for name, verdict in each.verdicts.items()},
        outputs=outputs,
        quarantines=tuple(
            each.quarantine for each in (*first, *beside) if each.quarantine is not None
        ),
        shards_reused=sum(each.reused for each in first),
        bytes_reused=sum(each.bytes_in for each in first if each.reused),
        steps={step: dict(sorted(rows.items())) for step, rows in steps.items()},
        beside=_beside(beside),
    )


def _beside(results: Sequence[ShardResult]) -> dict[str, int]:
    if not results:
        return {}
    return {
        "rows_in": sum(each.rows_in for each in results),
        "quarantined": sum(each.quarantined for each in results),
    }
