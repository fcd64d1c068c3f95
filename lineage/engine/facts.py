"""What an event says, as plain values: nodes, edges between them, and who speaks for what.

An edge runs the way data flows: `src` feeds `dst`, so downstream is always src → dst.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from urllib.parse import quote


class NodeKind(StrEnum):
    DATASET = "dataset"
    COLUMN = "column"
    JOB = "job"
    RUN = "run"
    VERSION = "version"
    MODEL = "model"
    MODEL_VERSION = "model_version"
    ENDPOINT = "endpoint"
    POLICY = "policy"


class EdgeKind(StrEnum):
    """The first three carry data between things, the fourth between columns.

    The last two are structure: they tie a version to its dataset and a run to its job, and a
    search never walks them, so that a version's lineage is its own and not its product's.
    """

    DERIVES = "derives"
    CONSUMES = "consumes"
    PRODUCES = "produces"
    COLUMN_DERIVES = "column_derives"
    VERSION_OF = "version_of"
    RUN_OF = "run_of"


FLOW = (EdgeKind.DERIVES, EdgeKind.CONSUMES, EdgeKind.PRODUCES)
COLUMN_FLOW = (EdgeKind.COLUMN_DERIVES,)


class Origin(StrEnum):
    """How we know: a run did it, someone declared it, we concluded it, someone drew it."""

    OBSERVED = "observed"
    DECLARED = "declared"
    INFERRED = "inferred"
    MANUAL = "manual"


class RunState(StrEnum):
    """The states of a run, lowest rank first: of two reports, the higher one holds.

    Rank, not time of arrival, decides, so a START that comes late never reopens a run. A run
    that was reported both complete and failed counts as failed.
    """

    OTHER = "OTHER"
    START = "START"
    RUNNING = "RUNNING"
    COMPLETE = "COMPLETE"
    ABORT = "ABORT"
    FAIL = "FAIL"


_RANK = {state: rank for rank, state in enumerate(RunState)}


def higher_state(first: RunState, second: RunState) -> RunState:
    """Return the state that holds after both were reported, in whichever order."""
    return max(first, second, key=_RANK.__getitem__)


@dataclass(frozen=True, slots=True, order=True)
class NodeKey:
    """What makes a node itself. `part` is the column of a column, the version of a version."""

    kind: NodeKind
    namespace: str
    name: str
    part: str = ""

    @property
    def digest(self) -> str:
        """64 hexadecimal digits: one short key whatever the length of the names."""
        text = json.dumps([self.kind, self.namespace, self.name, self.part])
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def label(self) -> str:
        """The name for people: `/acme/~/wiki/v=3`, `public.orders@7`, `public.orders#id`."""
        if self.kind is NodeKind.COLUMN:
            return f"{self.name}#{quote(self.part, safe='')}"
        if self.kind is NodeKind.VERSION:
            return f"{self.name}{'/' if self.part.startswith('v=') else '@'}{self.part}"
        return self.name

    @property
    def node_id(self) -> str:
        return f"{self.kind}:{self.namespace}:{self.label}"


@dataclass(frozen=True, slots=True)
class EdgeKey:
    """There is at most one live edge for each of these."""

    src: NodeKey
    dst: NodeKey
    kind: EdgeKind
    origin: Origin


@dataclass(frozen=True, slots=True)
class EdgeFact:
    """What is told about an edge.

    `direct`: the values themselves flow, rather than only deciding about rows (a filter, a join).
    `masking`: nothing of the source can be read in the target.
    `explained`: on a `produces` edge, the sources of the target are told one by one by `derives`
    edges, so that not every input of the job is one of them.
    """

    direct: bool = True
    subtype: str = ""
    masking: bool = False
    explained: bool = False
    via: NodeKey | None = None

    def merged(self, other: EdgeFact) -> EdgeFact:
        """Return what holds when both are told in one event: the more revealing of each."""
        return EdgeFact(
            direct=self.direct or other.direct,
            subtype=self.subtype or other.subtype,
            masking=self.masking and other.masking,
            explained=self.explained or other.explained,
            via=self.via or other.via,
        )


@dataclass(frozen=True, slots=True)
class NodeDetail:
    """What is told about a node beside its key; empty means nothing was told."""

    title: str = ""
    attrs: Mapping[str, object] = field(default_factory=dict)

    def by_others(self) -> NodeDetail:
        """Return it without the run of ours: only our own workers say what a run of ours made."""
        return NodeDetail(self.title, {k: v for k, v in self.attrs.items() if k != "run"})


@dataclass(frozen=True, slots=True)
class Interpretation:
    """All that one sound event says."""

    event_time: datetime
    producer: str
    run: NodeKey | None
    run_state: RunState
    nodes: Mapping[NodeKey, NodeDetail]
    edges: Mapping[EdgeKey, EdgeFact]
    aliases: Mapping[NodeKey, NodeKey]
    """From another name of a dataset to the dataset it is."""
    targets: frozenset[NodeKey]
    """The datasets it writes or describes and the jobs it speaks for."""
    replaces: NodeKey | None
    """The job, dataset or version whose earlier declared edges this event takes the place of."""
    warnings: tuple[str, ...]
    """The parts that were left out, and why."""


@dataclass(frozen=True, slots=True)
class Odd:
    """An event that says nothing we can use, and why."""

    reason: str
    producer: str = ""
    run_id: str = ""
