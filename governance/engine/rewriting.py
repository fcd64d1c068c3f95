"""A table as one reader may see it: rows left out first, then columns masked, then their wishes.

What readers ask for themselves (columns, a limit) is done to what is left, so that it cannot be
turned into a question about what they may not see.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import pyarrow as pa

from core.errors import Invalid, ObligationUnmet
from governance.engine import rows as row_filters
from governance.engine.masks import Masker
from governance.engine.obligations import Mask, Obligations

_Columns = TypeVar("_Columns", pa.RecordBatch, pa.Table)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a reader of one product is kept to, with what is needed to do it."""

    to: Obligations
    labels: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The labels by column; those of the product itself under the empty name."""
    key: bytes = field(default=b"", repr=False)
    """The secret of hashes: one for each mesh, product and purpose."""

    def masks(self, columns: Iterable[str]) -> dict[str, Mask]:
        """Return the mask of each column of the product; some may not be in a certain file.

        Raises ObligationUnmet when a mask is for a label that stands on the product and on none of
        its columns: which one to mask is not known, and to mask none would tell it.
        """
        named = {key for key in self.to.masks if not key.startswith("[")}
        known = {name: self.labels.get(name, frozenset()) for name in {*columns, *named}}
        known |= {name: labels for name, labels in self.labels.items() if name}
        for key, mask in self.to.masks.items():
            one = replace(self.to, masks={key: mask})
            on_product = {"": self.labels.get("", frozenset())}
            if key.startswith("[") and one.masks_of(on_product) and not one.masks_of(known):
                raise ObligationUnmet(
                    f"{key} is to be masked, but the label stands on the product and on none of "
                    "its columns. A steward must say which column it is.",
                    label=key[1:-1],
                )
        return self.to.masks_of(known)


@dataclass(slots=True)
class Rewriting:
    """Rewrites the batches of one schema, none of whose columns is dictionary-encoded.

    Raises ObligationUnmet when the obligations cannot be met there, Invalid for a column that is
    asked for and not there.
    """

    before: pa.Schema
    kept: Kept
    columns: Sequence[str] = ()
    """The columns that the reader wants, in this order; all when empty."""
    read: tuple[str, ...] = field(init=False)
    """The columns that are needed, in the order of the file."""
    schema: pa.Schema = field(init=False)
    masks: dict[str, Mask] = field(init=False)
    _masker: Masker = field(init=False)

    def __post_init__(self) -> None:
        rows, names = self.kept.to.rows, self.before.names
        if absent := [name for name in self.columns if name not in names]:
            raise Invalid(f"There is no column {absent[0]!r}.", columns=names)
        if self.columns and len(set(names)) < len(names):
            raise Invalid("Columns cannot be chosen where several have one name.")
        row_filters.to_expression(rows, self.before)  # refuses what cannot be applied
        wanted = {*self.columns, *row_filters.columns_of(rows)} if self.columns else set(names)
        self.read = tuple(name for name in names if name in wanted)
        needed = pa.schema([each for each in self.before if each.name in wanted])
        self.masks = self.kept.masks(names)
        self._masker = Masker(needed, self.masks, self.kept.key)
        self.schema = self._chosen(self._masker.schema.empty_table()).schema

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return what may be seen of a batch that has the columns `read`."""
        seen = row_filters.kept(self.kept.to.rows, batch)
        return self._chosen(self._masker.apply(seen))

    def _chosen(self, whole: _Columns) -> _Columns:
        return whole.select(list(self.columns)) if self.columns else whole
