"""How governance comes to know of the pipelines, which transforms owns."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Way:
    """A pipeline: from which products into which."""

    pipeline: str
    sources: tuple[str, ...]
    """The first is the one by which policies name what they run."""
    target: str

    @property
    def source(self) -> str:
        return self.sources[0]

    @property
    def names(self) -> set[str]:
        return {*self.sources, self.target}


Lister = Callable[[Collection[str]], list[Way]]

_listers: list[Lister] = []


def register(lister: Lister) -> None:
    """Register who knows the pipelines of some names, whoever asks."""
    _listers[:] = [lister]


def known(names: Collection[str]) -> dict[str, Way]:
    """Return those of the pipelines that there are, by name. Two queries."""
    return {way.pipeline: way for lister in _listers for way in lister(names)}
