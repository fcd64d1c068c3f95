"""The parity gate of a run: may the fast encoder be used for this input?

The reference is some twenty times slower than what it judges, so the gate bounds how much it is
given: of a long document an excerpt, of every twentieth the whole. An excerpt shows a difference
as well as its document would, character for character, since both encoders split text locally;
the whole ones, and the audit of every shard, are there for what only length brings out. What was
measured: docs/explanation/adr/0002-parity-gate-on-excerpts.md
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.engine.arrow import Text, text_of
from transforms.engine.chain import Chain
from transforms.engine.encoders import GATE_DOCUMENTS, Encoders, Verdict, judge
from transforms.engine.operators.tokenise import Tokenise, forging
from transforms.engine.plan import Plan, Shard
from transforms.engine.readers import SAMPLE_BYTES, read
from transforms.engine.sources import OpenInput

_SHARDS_LOOKED_AT = 8
_EXCERPT_CHARACTERS = 2048
_WHOLE_EVERY = 20
_WHOLE_CHARACTERS = 65_536
_GOLDEN = 0.6180339887498949
"""Its multiples, less their whole parts, are spread evenly over 0 to 1."""


def pass_gate(plan: Plan, open_input: OpenInput, encoders: Encoders) -> Encoders:
    """Return `encoders` with a verdict for each tokenizer of the plan.

    Compares the two encoders on at least 1,000 documents of this input, spread over up to eight
    shards, or on all when there are fewer; of long documents mostly on an excerpt. Call it once a
    run, before the first shard. The reference is given about 5 million characters at most.
    """
    verdicts: dict[str, Verdict] = {}
    for position, step in enumerate(plan.spec.steps):
        if isinstance(step, Tokenise):
            verdict = _verdict(plan, position, open_input, encoders)
            earlier = verdicts.get(step.tokenizer, verdict)
            verdicts[step.tokenizer] = verdict if earlier.fast else earlier
    return encoders.with_verdicts(verdicts)


def _verdict(plan: Plan, position: int, open_input: OpenInput, encoders: Encoders) -> Verdict:
    step = plan.spec.steps[position]
    assert isinstance(step, Tokenise)
    tokenizer = encoders.load(step.tokenizer, step.special_tokens)
    if tokenizer.fast is None:
        return judge(tokenizer, [])
    texts: list[str] = []
    for text in _documents(plan, position, open_input, encoders):
        wanted = text.drop_null()
        if step.special_tokens == "text":
            wanted = wanted.filter(pa.array(~forging(wanted, tokenizer.specials)))
        texts += cast("list[str]", wanted.to_pylist())
    return judge(tokenizer, [excerpt(text, order) for order, text in enumerate(texts)])


def excerpt(text: str, order: int) -> str:
    """Return what of a sampled document is compared: the same for the same text and order."""
    longest = _EXCERPT_CHARACTERS if order % _WHOLE_EVERY else _WHOLE_CHARACTERS
    start = int((len(text) - longest) * (order * _GOLDEN % 1.0))
    return text[start : start + longest] if len(text) > longest else text


def _documents(
    plan: Plan, position: int, open_input: OpenInput, encoders: Encoders
) -> Iterator[Text]:
    """Yield the texts that step `position` would be given: a sample, or all where that is less."""
    count = len(plan.shards)
    chosen = sorted({round(at) for at in np.linspace(0, count - 1, min(count, _SHARDS_LOOKED_AT))})
    quota = -(-GATE_DOCUMENTS // len(chosen))
    sampled = [_some(plan, position, plan.shards[at], open_input, encoders) for at in chosen]
    taken = [list(_first(each, quota)) for each in sampled]
    if sum(len(text) for each in taken for text in each) >= GATE_DOCUMENTS:
        for each in taken:
            yield from each
        return
    every = (
        text for shard in plan.shards for text in _some(plan, position, shard, open_input, encoders)
    )
    yield from _first(every, GATE_DOCUMENTS)


def _some(
    plan: Plan, position: int, shard: Shard, open_input: OpenInput, encoders: Encoders
) -> Iterator[Text]:
    step = plan.spec.steps[position]
    assert isinstance(step, Tokenise)
    chain = Chain(plan.spec.steps[:position], encoders)
    for piece in shard.pieces:
        source = open_input(piece.path)
        for found in read(piece, source, plan.schemas[0], SAMPLE_BYTES):
            for batch in chain.apply(found.batch):
                yield text_of(batch.column(step.column))


def _first(texts: Iterator[Text], quota: int) -> Iterator[Text]:
    """Yield `quota` texts, spread over each array, or all that there are."""
    for text in texts:
        if quota <= 0:
            return
        spread = np.unique(np.linspace(0, len(text) - 1, min(quota, len(text))).round())
        quota -= len(spread)
        yield pc.take(text, pa.array(spread.astype(np.int64), pa.int64()))
