"""Naming policies at the moment of the act: one call each for names, publication and signing."""

from __future__ import annotations

from collections.abc import Iterable

from core.errors import NamingRefused
from core.names import Name
from governance.engine import naming
from governance.engine.entities import Principal
from governance.engine.naming import Description, NamingRules, Violation
from governance.standing import naming_of

ANY_ID = "0" * 16
"""Stands for the id of a key that is not made yet."""


def check_domain_name(name: Name, team: str) -> None:
    """Raise NamingRefused unless a domain of `team` may be called so."""
    rules = naming_of(str(name))
    _refuse(
        str(name),
        naming.check_domain(rules, name) + naming.check_publisher(rules, str(name), [team]),
    )


def check_product_name(
    actor: Principal, name: Name, *, labels: Iterable[str] = (), keywords: Iterable[str] = ()
) -> None:
    """Raise NamingRefused unless the actor may create a product of this name, or move it there."""
    rules = naming_of(str(name), labels)
    _refuse(
        str(name),
        naming.check_product(rules, name)
        + naming.check_keywords(rules, keywords)
        + _publisher(rules, str(name), actor),
    )


def check_keywords(name: str, labels: Iterable[str], keywords: Iterable[str]) -> None:
    """Raise NamingRefused unless a product may carry these keywords."""
    _refuse(name, naming.check_keywords(naming_of(name, labels), keywords))


def check_publication(
    actor: Principal, name: str, labels: Iterable[str], told: Description
) -> None:
    """Raise NamingRefused unless the actor may publish a version of a product so described.

    An old name is no reason: it may stand from before the rule.
    """
    carried = frozenset(labels)
    rules = naming_of(name, carried)
    _refuse(
        name,
        _publisher(rules, name, actor)
        + naming.check_metadata(rules, told)
        + naming.check_keywords(rules, told.keywords)
        + naming.check_labels(rules, carried),
    )


def check_label(name: str, label: str) -> None:
    """Raise NamingRefused unless the label's family may have this value."""
    _refuse(name, naming.check_labels(naming_of(name, [label]), [label]))


def key_violations(rules: NamingRules, prefix: str, key_id: str, name: str) -> list[Violation]:
    """Return why the key delegated for `prefix` may not sign `name`, by the trust schema."""
    return naming.check_key(rules, naming.key_name(prefix, key_id), name)


def refuse_key(name: str, violations: list[Violation]) -> None:
    _refuse(name, violations)


def _publisher(rules: NamingRules, name: str, actor: Principal) -> list[Violation]:
    """An agent publishes where both it and the person for whom it acts may."""
    person = actor.on_behalf_of
    above = [] if person is None else _publisher(rules, name, person)
    return naming.check_publisher(rules, name, actor.teams) + above


def _refuse(name: str, violations: list[Violation]) -> None:
    if violations:
        first = violations[0]
        raise NamingRefused(
            f"{name}: {first.message} {first.suggestion}".strip(),
            name=name,
            rules=[violation.as_json() for violation in violations],
        )
