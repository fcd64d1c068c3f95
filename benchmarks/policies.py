"""Access policies, people and products as a grown mesh has them: the ground of three benchmarks."""

from __future__ import annotations

import random
from collections.abc import Iterator

from governance.engine.entities import Principal, Resource

SEED = 20261125
TEAMS, TOPS, SUBS, GROUPS = 60, 20, 5, 40
PII = ("email", "phone", "iban", "ssn", "card", "name", "address", "health")


def domains() -> list[str]:
    """Return the names of all domains: twenty at the top, each with five below it."""
    tops = [f"/d{top}" for top in range(TOPS)]
    return tops + [f"{top}/s{sub}" for top in tops for sub in range(SUBS)]


def policy_text(count: int) -> str:
    """Return `count` policies: who works where, who reads what, and what nobody may but some."""
    chance = random.Random(SEED)
    return "\n".join(_policy(number, chance) for number in range(count))


def _policy(number: int, chance: random.Random) -> str:
    domain = chance.choice(domains())
    team = f"t{chance.randrange(TEAMS)}"
    group = f"g{chance.randrange(GROUPS)}"
    head = f'@id("p{number}") @reason("Rule {number}.") '
    kind = chance.random()
    if kind < 0.4:
        return head + (
            f'permit (principal in Team::"{team}", action in [Action::"discover", '
            f'Action::"read"], resource in Domain::"{domain}");'
        )
    if kind < 0.6:
        return head + (
            f'permit (principal in Role::"{team}/owner", action, resource in '
            f'Domain::"{domain}") when {{ resource has team }};'
        )
    if kind < 0.85:
        return head + (
            f'permit (principal in Group::"{group}", action in [Action::"discover", '
            f'Action::"read", Action::"transform"], resource is Product) when {{ '
            f'resource.labels.contains("topic:{chance.randrange(60)}") && '
            f'resource.visibility != "team" }};'
        )
    if kind < 0.95:
        label = f"pii:{chance.choice(PII)}-{chance.randrange(20)}"
        return head + (
            f'forbid (principal, action in [Action::"read", Action::"transform"], '
            f'resource is Product) when {{ resource.labels.contains("{label}") }} '
            f'unless {{ principal in Group::"{group}" }};'
        )
    return head + (
        f'forbid (principal in Group::"{group}", action in [Action::"discover", '
        f'Action::"read"], resource is Product in Domain::"{domain}") '
        'when { resource.access == "request" };'
    )


def people(count: int) -> list[Principal]:
    """Return members with a few teams and groups each; every third owns one of its teams."""
    chance = random.Random(SEED + 1)
    found = []
    for number in range(count):
        teams = {f"t{chance.randrange(TEAMS)}" for _ in range(3)}
        groups = {f"g{chance.randrange(GROUPS)}" for _ in range(3)} | {"members"}
        roles = {f"{min(teams)}/owner"} if number % 3 == 0 else set()
        found.append(Principal(f"u{number}", frozenset(groups), frozenset(teams), frozenset(roles)))
    return found


def products(count: int) -> Iterator[Resource]:
    """Yield products spread over the domains, with a label or two on each second one."""
    chance = random.Random(SEED + 2)
    places = domains()
    for number in range(count):
        domain = chance.choice(places)
        labels = {f"topic:{chance.randrange(60)}"} if number % 2 else set()
        if number % 10 == 0:
            labels.add(f"pii:{chance.choice(PII)}-{chance.randrange(20)}")
        yield Resource(
            "Product",
            f"{domain}/~/p{number}",
            team=f"t{chance.randrange(TEAMS)}",
            visibility=chance.choices(["public", "mesh", "team"], [1, 4, 5])[0],
            access=chance.choice(["open", "request"]),
            lifecycle="active",
            labels=frozenset(labels),
        )
