"""The parity gate of a run: may the fast encoder be used for this input?

It is passed stage by stage, once the rows are there that the stage begins with, so that it sees
what the steps before have kept and need not do their work a second time.

The reference is some twenty times slower than what it judges, so the gate bounds how much it is
given: of a long document an excerpt, of every twentieth the whole. An excerpt shows a difference
as well as its document would, character for character, since both encoders split text locally;
the whole ones, and the audit of every shard, are there for what only length brings out. What was
measured: docs/explanation/adr/0002-parity-gate-on-excerpts.md
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.engine.arrow import Text, text_of
from transforms.engine.chain import Chain
from transforms.engine.desks import barrier_behind
from transforms.engine.encoders import GATE_DOCUMENTS, Encoders, Verdict, judge
from transforms.engine.intake import rows_of
from transforms.engine.operators.base import Operator
from transforms.engine.operators.tokenise import Tokenise, forging
from transforms.engine.plan import Plan
from transforms.engine.readers import SAMPLE_BYTES
from transforms.engine.sources import Workspace
from transforms.engine.stages import Stage

_UNITS_LOOKED_AT = 8
_EXCERPT_CHARACTERS = 2048
_WHOLE_EVERY = 20
_WHOLE_CHARACTERS = 65_536
_GOLDEN = 0.6180339887498949
"""Its multiples, less their whole parts, are spread evenly over 0 to 1."""


def pass_gate(plan: Plan, stage: int, workspace: Workspace, encoders: Encoders) -> Encoders:
    """Return `encoders` with a verdict for each tokenizer that the steps of `stage` use.

    Compares the two encoders on at least 1,000 of the documents that the step will be given, spread
    over up to eight units of work, or on all when there are fewer; of long documents mostly on an
    excerpt. A tokenizer that an earlier stage left to the reference stays with it. Call it once for
    each stage, when all before it is done and no unit of it has begun. The reference is given about
    5 million characters at most.
    """
    found = plan.stages[stage]
    verdicts = dict(encoders.verdicts)
    for position in range(found.start, found.end):
        step = plan.spec.steps[position]
        if isinstance(step, Tokenise):
            steps = plan.spec.steps[found.start : position]
            verdict = _verdict(step, _Documents(plan, found, steps, workspace, encoders))
            earlier = verdicts.get(step.tokenizer, verdict)
            verdicts[step.tokenizer] = verdict if earlier.fast else earlier
    return encoders.with_verdicts(verdicts)


def judges(plan: Plan, stage: int) -> bool:
    """Say whether the gate has anything to judge at a stage."""
    found = plan.stages[stage]
    return any(isinstance(step, Tokenise) for step in plan.spec.steps[found.start : found.end])


def _verdict(step: Tokenise, documents: _Documents) -> Verdict:
    tokenizer = documents.encoders.load(step.tokenizer, step.special_tokens)
    if next(tokenizer.fast(), None) is None:
        return judge(tokenizer, [])

    def encoded(text: Text) -> Text:
        """Return the texts that a fast encoder would be given."""
        text = text.drop_null()
        if step.special_tokens == "text":
            text = text.filter(pa.array(~forging(text, tokenizer.specials)))
        return text

    texts: list[str] = []
    for text in documents.sample(step.column, encoded):
        texts += cast("list[str]", text.to_pylist())
    return judge(tokenizer, [excerpt(text, order) for order, text in enumerate(texts)])


def excerpt(text: str, order: int) -> str:
    """Return what of a sampled document is compared: the same for the same text and order."""
    longest = _EXCERPT_CHARACTERS if order % _WHOLE_EVERY else _WHOLE_CHARACTERS
    start = int((len(text) - longest) * (order * _GOLDEN % 1.0))
    return text[start : start + longest] if len(text) > longest else text


@dataclass(frozen=True, slots=True)
class _Documents:
    """The rows that reach a step of a stage."""

    plan: Plan
    stage: Stage
    steps: Sequence[Operator]
    """Of the stage, before that step."""
    workspace: Workspace
    encoders: Encoders

    def sample(self, column: str, wanted: Callable[[Text], Text]) -> Iterator[Text]:
        """Yield those texts that are wanted: a sample, or all where that is less.

        No row is read twice.
        """
        count = self.stage.units - self.stage.beside
        spread = np.linspace(0, count - 1, min(count, _UNITS_LOOKED_AT))
        units = {round(at): map(wanted, self._of_unit(round(at), column)) for at in spread}
        quota = -(-GATE_DOCUMENTS // len(units))
        taken = [_until(quota, texts) for texts in units.values()]
        lacking = GATE_DOCUMENTS
        for left, text in zip(range(len(taken), 0, -1), sorted(taken, key=len), strict=True):
            share = -(-lacking // left)  # the larger ones make up for the smaller ones
            yield _spread(text, share)
            lacking -= min(share, len(text))
        others = (map(wanted, self._of_unit(at, column)) for at in range(count) if at not in units)
        for text in itertools.chain(*units.values(), *others):
            if lacking <= 0:
                return
            yield _spread(text, lacking)
            lacking -= len(text)

    def _of_unit(self, unit: int, column: str) -> Iterator[Text]:
        chain = Chain(self.steps, self.encoders)
        for rows in self._rows(unit):
            for batch in chain.apply(rows):
                yield text_of(batch.column(column))

    def _rows(self, unit: int) -> Iterator[pa.RecordBatch]:
        if self.plan.reads(self.stage.index, unit):
            shard = self.plan.unit(self.stage.index, unit)
            opener = self.workspace.opener(shard.input)
            return (found.batch for found in rows_of(self.plan, shard, opener, SAMPLE_BYTES))
        barrier, desk = barrier_behind(self.plan, self.stage.index - 1, self.workspace.scratch)
        return (applied.batch for applied in barrier.rows(desk, unit))


def _until(quota: int, texts: Iterator[Text]) -> Text:
    """Take so many arrays that they hold `quota` texts, or all; return them as one."""
    taken: list[Text] = []
    held = 0
    while held < quota and (text := next(texts, None)) is not None:
        taken.append(text)
        held += len(text)
    return text_of(pa.concat_arrays(taken)) if taken else text_of(pa.array([], pa.string()))


def _spread(text: Text, most: int) -> Text:
    """Return `most` of the texts, from all over them, or all."""
    if len(text) <= most:
        return text
    places = np.linspace(0, len(text) - 1, most).round().astype(np.int64)
    return pc.take(text, pa.array(places, pa.int64()))
