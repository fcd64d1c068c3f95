"""How governance comes to know of the pipelines, which transforms owns."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Way:
    """A pipeline: from which product into which."""

    pipeline: str
    source: str
    target: str


Lister = Callable[[Collection[str]], list[Way]]

_listers: list[Lister] = []


def register(lister: Lister) -> None:
    """Register who knows the pipelines of some names, whoever asks."""
    _listers[:] = [lister]


def known(names: Collection[str]) -> dict[str, Way]:
    """Return those of the pipelines that there are, by name. One query."""
    return {way.pipeline: way for lister in _listers for way in lister(names)}
