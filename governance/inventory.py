"""What the mesh holds, seen as a whole: for checks over every product below a prefix.

The catalog registers who lists them. Nothing here asks whether the caller may know of a product:
whoever shows a name does (`resources.visible_names`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from governance.engine.entities import Resource
from governance.engine.naming import Description

Below = Callable[[str], Iterable[Resource]]
Described = Callable[[str], Iterable[tuple[Resource, Description]]]


@dataclass(frozen=True, slots=True)
class _Source:
    below: Below
    described: Described
    domains: Below


_sources: list[_Source] = []


def register(below: Below, described: Described, domains: Below) -> None:
    """Register who lists products, products with what they say of themselves, and domains.

    Each takes a prefix, `/` for everything, and costs a fixed number of queries. The resources
    carry the labels but no residency.
    """
    _sources[:] = [_Source(below, described, domains)]


def products_below(prefix: str) -> list[Resource]:
    return [resource for source in _sources for resource in source.below(prefix)]


def described_below(prefix: str) -> list[tuple[Resource, Description]]:
    return [pair for source in _sources for pair in source.described(prefix)]


def domains_below(prefix: str) -> list[Resource]:
    return [resource for source in _sources for resource in source.domains(prefix)]
