"""How governance comes to know a thing by its name without knowing the tables above it.

The app that owns a kind of thing registers how to load it and how to list it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from core.errors import NotFound
from core.names import Name
from governance.engine.entities import MESH, MESH_NAME, Action, Principal, Resource, Situation

Loader = Callable[[Name], Resource | None]
Lister = Callable[[Principal, Action, Iterable[str]], set[str]]
Ports = Callable[[str], set[str]]
Claim = tuple[Principal, Action, Situation]
"""Someone who may do something, in some situation."""
Pager = Callable[[Sequence[Claim], str, int], list[str]]

_loaders: dict[str, Loader] = {}
_listers: dict[str, Lister] = {}
_ports: list[Ports] = []
_pagers: dict[str, Pager] = {}


def register(kind: str, loader: Loader, lister: Lister) -> None:
    """Register the owner of a kind (`domain` or `product`): one by name, and many that are visible.

    The lister returns those of the given full names on which the principal may act.
    """
    _loaders[kind] = loader
    _listers[kind] = lister


def register_ports(ports: Ports) -> None:
    """Register who knows the output ports of a product, by its name."""
    _ports[:] = [ports]


def ports_of(name: str) -> set[str]:
    """Return the names of the output ports of a product, whoever asks."""
    return set().union(*(ports(name) for ports in _ports))


def register_pager(kind: str, pager: Pager) -> None:
    """Register who lists the names of a kind, in their order, for which every claim holds."""
    _pagers[kind] = pager


def names_after(kind: str, claims: Sequence[Claim], after: str, limit: int) -> list[str]:
    """Return at most `limit` names beyond `after` for which every claim holds; one query."""
    return _pagers[kind](claims, after, limit) if kind in _pagers else []


def load(name: str, *, asked: str = "") -> Resource:
    """Return what `name` names, a version or file standing for its product; raise NotFound.

    `asked` is what the caller called it when he did not name it.
    """
    if name == MESH_NAME:
        return MESH
    parsed = Name.parse(name)
    product = parsed.product is not None
    resource = _loaders["product" if product else "domain"](
        parsed.product_name if product else parsed
    )
    if resource is None:
        raise absent(asked or name)
    return replace(resource, asked=asked or name)


def current_name(product: str) -> str | None:
    """Return what a product is called now, whoever asks; None when there is none."""
    found = _loaders["product"](Name.parse(product))
    return None if found is None else found.name


def absent(asked: str) -> NotFound:
    """Return the one answer for what is not there and for what is hidden."""
    return NotFound(f"There is no {asked}, or you may not know of it.", name=asked)


def visible_names(principal: Principal, action: Action, names: Iterable[str]) -> set[str]:
    """Return those product names on which `principal` may do `action`, in one query a batch."""
    return _listers["product"](principal, action, names)
