"""What rides on a permit: columns to mask, rows to leave out, purposes to keep to, a watermark.

A permit carries its obligations as annotations; the unknown of `@rows` is the row:

    @mask("email=hash; birth=year; [pii:phone]=redact")
    @rows("resource.country == \"DE\"")
    @purpose("analytics, model-training")
    @watermark("internal use")

`[label]` stands for every column that carries the label, `[pii:*]` for the whole family. When
several permits allow, the strictest mask of a column wins, and a row is kept that any of them
keeps. Source: DESIGN.md section 5.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from core.errors import InvalidSpec
from governance.engine.conditions import Condition, disjunction

PURPOSES = ("analytics", "evaluation", "inference", "model-training", "operations")
"""What data may be used for: a closed vocabulary, so that a word misspelt is refused."""


class MaskKind(StrEnum):
    """How a column is masked, the strictest first."""

    NULL = "null"
    REDACT = "redact"
    HASH = "hash"
    LAST4 = "last4"
    YEAR = "year"
    MONTH = "month"
    BUCKET = "bucket"


_STRICTEST_FIRST = list(MaskKind)


@dataclass(frozen=True, slots=True)
class Mask:
    """One mask; `width` is the width of a bucket, in the column's own unit, and 0 otherwise."""

    kind: MaskKind
    width: int = 0

    @property
    def leniency(self) -> tuple[int, int]:
        """The smaller, the stricter; of two buckets the wider tells less."""
        return _STRICTEST_FIRST.index(self.kind), -self.width

    def __str__(self) -> str:
        return f"{self.kind}:{self.width}" if self.width else str(self.kind)


@dataclass(frozen=True, slots=True)
class Obligations:
    """What a reader must be kept to. NONE is a reader who sees the bytes as they are."""

    masks: Mapping[str, Mask] = field(default_factory=dict)
    """By column, or by `[label]`."""
    rows: Condition = True
    purposes: frozenset[str] | None = None
    """The purposes for which the data may be used; None leaves it open."""
    watermarks: tuple[str, ...] = ()

    @property
    def rewrite(self) -> bool:
        """True when the bytes cannot be handed out as they lie in a store."""
        return bool(self.masks or self.watermarks) or self.rows is not True

    def admit(self, purpose: str) -> bool:
        """Say whether a reader with this purpose may go on."""
        return self.purposes is None or purpose in self.purposes

    def masks_of(self, labels_by_column: Mapping[str, Iterable[str]]) -> dict[str, Mask]:
        """Return the mask of each column to be masked, given the labels of all columns."""
        return {
            column: min(found, key=lambda mask: mask.leniency)
            for column, labels in labels_by_column.items()
            if (found := [m for key, m in self.masks.items() if _is_about(key, column, labels)])
        }


NONE = Obligations()


def _is_about(key: str, column: str, labels: Iterable[str]) -> bool:
    if not key.startswith("["):
        return key == column
    wanted = key[1:-1]
    if wanted.endswith("*"):
        return any(label.startswith(wanted[:-1]) for label in labels)
    return wanted in labels


def together(of: Iterable[Obligations]) -> Obligations:
    """Return the obligations of several permits that allow at once."""
    every = list(of)
    masks: dict[str, Mask] = {}
    for one in every:
        for key, mask in one.masks.items():
            masks[key] = min(masks.get(key, mask), mask, key=lambda m: m.leniency)
    bound = [one.purposes for one in every if one.purposes is not None]
    return Obligations(
        masks=masks,
        rows=disjunction([one.rows for one in every]) if every else True,
        purposes=frozenset.intersection(*bound) if bound else None,
        watermarks=tuple(dict.fromkeys(mark for one in every for mark in one.watermarks)),
    )


_MASK = re.compile(r"(?P<key>\[[^\]]+\]|[^=\[\]]+)=(?P<kind>[a-z0-9]+)(?::(?P<width>[1-9]\d*))?")


def parse_masks(text: str, where: str) -> dict[str, Mask]:
    """Return the masks of a `@mask` annotation; raise InvalidSpec with the part that is wrong."""
    masks: dict[str, Mask] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        found = _MASK.fullmatch(part)
        kind = found and found["kind"]
        if found is None or kind not in set(MaskKind) or (kind == "bucket") != bool(found["width"]):
            raise InvalidSpec(
                f"{where}: {part!r} is no mask; write column=kind or [label]=kind, where kind is "
                f"one of {', '.join(MaskKind)} and a bucket has a width, as in age=bucket:10.",
                errors=[{"where": where, "message": part}],
            )
        masks[found["key"].strip()] = Mask(MaskKind(kind), int(found["width"] or 0))
    return masks
