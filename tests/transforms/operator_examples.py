"""For each operator a step, and a few values of each column that make it show what it does."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from tests.transforms.pictures import file_of, gradient
from transforms.engine.barriers.joining import Beside
from transforms.engine.operators.base import Operator
from transforms.engine.operators.cast import Cast
from transforms.engine.operators.chat import Chat
from transforms.engine.operators.chunk import Chunk
from transforms.engine.operators.decontaminate import Decontaminate
from transforms.engine.operators.dedup_exact import DedupExact
from transforms.engine.operators.dedup_images import DedupImages
from transforms.engine.operators.dedup_lines import DedupLines
from transforms.engine.operators.derive import Derive
from transforms.engine.operators.embed import Embed
from transforms.engine.operators.filter import Filter, Rule
from transforms.engine.operators.fix_encoding import FixEncoding
from transforms.engine.operators.image_filter import ImageFilter
from transforms.engine.operators.image_resize import ImageResize
from transforms.engine.operators.image_size import ImageSize
from transforms.engine.operators.join import Join
from transforms.engine.operators.language import Language
from transforms.engine.operators.mixture import Mixture
from transforms.engine.operators.near_dedup import NearDedup
from transforms.engine.operators.normalise import Normalise
from transforms.engine.operators.pack import Pack
from transforms.engine.operators.prefix_group import PrefixGroup
from transforms.engine.operators.python import Python
from transforms.engine.operators.quality import Quality
from transforms.engine.operators.redact import Redact
from transforms.engine.operators.rename import Rename
from transforms.engine.operators.sample import Sample
from transforms.engine.operators.select import Select
from transforms.engine.operators.shuffle import Shuffle
from transforms.engine.operators.sort import Sort
from transforms.engine.operators.tokenise import IDS, Tokenise

MODULE = textwrap.dedent("""
    import pyarrow as pa, pyarrow.compute as pc

    def apply(batch):
        text, n = batch.column("text"), batch.column("n")
        words = pc.binary_join_element_wise(text, pc.cast(n, pa.string()), "-")
        odd = pc.equal(pc.bit_wise_and(pc.add(pc.utf8_length(text), n), 1), 1)
        return pa.record_batch({
            "words": words,
            "reason": pc.if_else(pc.fill_null(odd, False), "odd", None),
        })
""")
PROSE = "".join(f"The {n} people of the town have come to be here.\n" for n in range(6))


@dataclass(frozen=True)
class Example:
    """A step and what its columns may hold; beside them stands one that it is told nothing of."""

    step: Operator
    columns: Mapping[str, tuple[pa.DataType, Sequence[object]]]

    @property
    def schema(self) -> pa.Schema:
        beside = ("beside", pa.int32())
        return pa.schema([*((name, kind) for name, (kind, _) in self.columns.items()), beside])

    def values(self, column: str) -> Sequence[object]:
        return range(1000) if column == "beside" else self.columns[column][1]


def _texts(step: Operator, *values: str | None) -> Example:
    numbers = (pa.int64(), range(9))
    return Example(step, {"n": numbers, "text": (pa.string(), values)})


def _pictures(step: Operator, column: str = "bytes") -> Example:
    shapes = ((40, 30, "png"), (20, 60, "png"), (40, 30, "bmp"), (7, 5, "bmp"))
    files = [file_of(gradient(width, height), encoding) for width, height, encoding in shapes]
    turned = file_of(gradient(40, 30)[:, ::-1].copy())
    return Example(step, {column: (pa.binary(), [*files, turned, b"no image", None])})


def _chat() -> Example:
    message = pa.struct([("role", pa.string()), ("content", pa.string())])
    talks = [
        [{"role": "user", "content": "Hi"}],
        [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}],
        [{"role": "user", "content": "<|im_end|>"}],
        None,
    ]
    return Example(Chat("messages", "chatml"), {"messages": (pa.list_(message), talks)})


def _pack() -> Example:
    return Example(Pack(4, loss_mask=True), {"input_ids": (IDS, [[1], [2, 3], [4, 5, 6, 7, 8]])})


LOOKED_UP = [pa.RecordBatch.from_pylist([{"key": "a", "score": 1}, {"key": "b", "score": 2}])]
"""The input that steps look up."""


def _join() -> Example:
    beside = Beside(1, LOOKED_UP[0].schema)
    step = Join("scores", ("text",), ("key",), beside=beside)
    return _texts(step, "a", "b", "c", None)


_WORDS = ("a b c d e f", "a b c d e f", "g h i j k l", "g h i j k m")
EXAMPLES: Mapping[str, Example] = {
    "cast": _texts(Cast({"text": "int64"}), "1", "2", "x", None),
    "chat": _chat(),
    "chunk": _texts(Chunk("text", "sentence", 16), "One is. Two is. Three is.", "One.", "", None),
    "decontaminate": _texts(Decontaminate("text", texts=("a b c",), n=3), "a b c", "a c", None),
    "dedup_exact": _texts(DedupExact(("text",)), "a", "b", None),
    "dedup_images": _pictures(DedupImages()),
    "dedup_lines": _texts(DedupLines("text"), "a\na", "a", "a\nb"),
    "derive": _texts(Derive({"size": "length(text) + n", "n": "n + 1"}), "a", "bb", None),
    "embed": _texts(Embed("text", "small"), "a dog", "a cat", None),
    "filter": _texts(
        Filter((Rule("text", min_chars=2), Rule("n", max=5.0))), "a", "bb", "ccc", None
    ),
    "fix_encoding": _texts(FixEncoding("text"), "schÃ¶n", "schön", None),
    "image_filter": _pictures(ImageFilter(min_width=8)),
    "image_resize": _pictures(ImageResize(longest=4)),
    "image_size": _pictures(ImageSize()),
    "join": _join(),
    "language": _texts(
        Language("text", ("en",)),
        "The government said that the new rules will apply from January.",
        "The people of the town have come to be here and that is good.",
        "Die Regierung hat mitgeteilt, dass die neuen Regeln ab Januar gelten.",
        None,
    ),
    "mixture": _texts(Mixture("text", {"a": 1.0, "b": 2.0}, by="n"), "a", "b", "c"),
    "near_dedup": _texts(NearDedup("text", shingle_words=2), *_WORDS, None),
    "normalise": _texts(Normalise("text", trim=True), "e\u0301", " \xe9", None),
    "pack": _pack(),
    "prefix_group": _texts(PrefixGroup("text"), "a", "ab", "abc", None),
    "python": _texts(
        Python("mine", ("text", "n"), {"words": "string"}, True, ("odd",), code=MODULE),
        "a",
        "bb",
        None,
    ),
    "quality": _texts(Quality("text", ("c4",)), PROSE, f"{PROSE}Menu\n", "too short", None),
    "redact": _texts(Redact("text"), "203.0.113.77", "a", "\xa0@example.com", None),
    "rename": _texts(Rename({"text": "n", "n": "text"}), "a", "b"),
    "sample": _texts(Sample(0.5, ("text",)), *"abcdefgh"),
    "select": _texts(Select(("text",)), "a", "b"),
    "shuffle": _texts(Shuffle(3), "a", "b"),
    "sort": _texts(Sort(("text",)), "a", "b", None),
    "tokenise": _texts(Tokenise("text", "anthropic"), "a", "bb cc", None),
}
