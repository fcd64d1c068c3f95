"""How governance comes to know of the places of the mesh, which movement owns."""

from __future__ import annotations

from collections.abc import Callable

from governance.engine.contradictions import Site

Lister = Callable[[], list[Site]]

_listers: list[Lister] = []


def register(lister: Lister) -> None:
    """Register who knows the sites of the mesh that are not lost."""
    _listers[:] = [lister]


def known() -> list[Site]:
    """Return the sites by name; none while nobody registered."""
    return sorted((site for lister in _listers for site in lister()), key=lambda site: site.name)
