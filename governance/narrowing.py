"""What one did oneself, as a part of oneself may see it.

A person reads what they asked for and did, whatever it was about. An agent acts for many people,
and a token with scopes is lent to a program: to those only what is about names they may know of.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q, QuerySet

from core.errors import InvalidName
from core.names import Name
from governance import resources
from governance.engine.entities import Action, Principal


def is_narrowed(principal: Principal) -> bool:
    """Say whether the principal is less than the person or machine whose token it holds."""
    return principal.scopes is not None or principal.on_behalf_of is not None


def within(principal: Principal, rows: QuerySet) -> Q:  # type: ignore[type-arg]  # of any table with a `name`
    """Return which of one's own rows the principal may be shown: all, unless it is narrowed.

    One query for the names and one for the products among them.
    """
    if not is_narrowed(principal):
        return Q()
    names = set(rows.order_by().values_list("name", flat=True).distinct())
    return Q(name__in=known_to(principal, names))


def known_to(principal: Principal, names: Iterable[str]) -> set[str]:
    """Return the products, versions and files that the principal may know of, and the domains that
    its scopes cover: these are no secret among members."""
    products: dict[str, str] = {}
    shown: set[str] = set()
    for name in names:
        try:
            parsed = Name.parse(name)
        except InvalidName:
            continue
        if parsed.product is not None:
            products[name] = str(parsed.product_name)
        elif _covers(principal, name):
            shown.add(name)
    seen = resources.visible_names(principal, Action.DISCOVER, products.values())
    return shown | {name for name, product in products.items() if product in seen}


def _covers(principal: Principal, name: str) -> bool:
    scopes, person = principal.scopes, principal.on_behalf_of
    own = scopes is None or any(scope.covers(Action.DISCOVER, name) for scope in scopes)
    return own and (person is None or _covers(person, name))
