"""Simulating a change of the access policies: on everyone and everything, and on the past."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from governance import inventory, resources, simulations
from governance.engine import decision
from governance.engine.bitmaps import Bitmaps
from governance.engine.entities import (
    ANONYMOUS,
    MESH,
    RECONCILER,
    Action,
    Principal,
    Resource,
    Situation,
)
from governance.engine.policyset import PolicySet
from governance.engine.simulation import (
    Person,
    Shift,
    Sides,
    actions_of,
    allowed_to,
    simulate,
)
from governance.grants import permits_of
from governance.models import Policy, User
from governance.selectors import access_policies, principal_for
from governance.services.simulation_past import replay

MAX_TOUCHED = 2_000
"""Beyond so many products, what hangs on them is counted for the first ones only."""


@dataclass(frozen=True)
class Scene:
    """What a simulation looks at, read once."""

    old: PolicySet
    new: PolicySet
    people: Sequence[Person]
    holdings: dict[str, Bitmaps]
    seen: dict[str, int]
    """By type, what the one who simulates may know of."""
    names: int
    """How many of each list to name."""


def access_changes(actor: Principal, policy: Policy, *, names: int, days: int) -> dict[str, Any]:
    """Return what would change for whom, were this version of an access policy in force.

    Counts are of everything; only what the actor may discover is named.
    """
    scene = scene_of(actor, policy, names)
    shifts = simulate(scene.old, scene.new, scene.people, scene.holdings)
    gained = _pairs(scene, shifts, lambda shift: shift.gained)
    wider = _pairs(scene, shifts, lambda shift: shift.wider)
    return {
        "changed_policies": sorted({p.id for p in Sides(scene.old, scene.new).changed}),
        "principals": len(scene.people),
        "products": len(scene.holdings["Product"].names),
        "gained": gained,
        "lost": _pairs(scene, shifts, lambda shift: shift.lost),
        "rebound": _pairs(scene, shifts, lambda shift: shift.rebound),
        "wider": wider,
        "new_access": bool(gained["pairs"] or wider["pairs"]),
        "past": replay(scene.old, scene.new, scene.holdings, days=days, names=names),
        "affected": _affected(scene, shifts),
    }


def scene_of(actor: Principal, policy: Policy, names: int) -> Scene:
    """Return everything that a simulation of the version needs. Cost: all people and products."""
    old, new = access_policies(), access_policies(replacing=policy)
    holdings = {
        "Mesh": Bitmaps([MESH]),
        "Domain": Bitmaps(inventory.domains_below("/")),
        "Product": Bitmaps(inventory.products_below("/")),
    }
    seen = {kind: _known_to(actor, old, kind, held) for kind, held in holdings.items()}
    return Scene(old, new, everyone(), holdings, seen, names)


def everyone() -> list[Person]:
    """Return every principal that acts: all live users, nobody in particular, the reconciler."""
    users = User.objects.filter(is_active=True).order_by("username")
    principals = [ANONYMOUS, RECONCILER, *(principal_for(user) for user in users)]
    return [Person(each, tuple(permits_of(each))) for each in principals]


def _known_to(actor: Principal, policies: PolicySet, kind: str, held: Bitmaps) -> int:
    person = Person(actor, tuple(permits_of(actor)))
    found = allowed_to(policies, person, Action.DISCOVER, kind, held)
    behind = actor.on_behalf_of
    return found if behind is None else found & _known_to(behind, policies, kind, held)


def _pairs(scene: Scene, shifts: Sequence[Shift], bitmap: Callable[[Shift], int]) -> dict[str, Any]:
    """Return how many pairs there are, by action, and the first of those that may be named."""
    by_action: Counter[str] = Counter()
    people: set[str] = set()
    touched: dict[str, int] = {}
    for shift in shifts:
        if found := bitmap(shift):
            by_action[str(shift.kind.action)] += found.bit_count() * len(shift.people)
            people.update(shift.people)
            touched[shift.kind.type] = touched.get(shift.kind.type, 0) | found
    return {
        "pairs": sum(by_action.values()),
        "principals": len(people),
        "resources": sum(found.bit_count() for found in touched.values()),
        "by_action": dict(sorted(by_action.items())),
        "sample": list(_sample(scene, shifts, bitmap)),
    }


def _sample(
    scene: Scene, shifts: Sequence[Shift], bitmap: Callable[[Shift], int]
) -> Iterator[dict[str, str]]:
    left = scene.names
    for shift in shifts:
        held = scene.holdings[shift.kind.type]
        for resource in held.select(bitmap(shift) & scene.seen[shift.kind.type], left):
            for person in shift.people:
                if not left:
                    return
                left -= 1
                yield {
                    "principal": person,
                    "action": str(shift.kind.action),
                    "name": resource.name,
                    "purpose": shift.kind.situation.purpose,
                    "site": shift.kind.situation.site,
                    "jurisdictions": ", ".join(sorted(shift.kind.situation.jurisdictions)),
                }


def _affected(scene: Scene, shifts: Sequence[Shift]) -> dict[str, Any]:
    """Return what runs, lies and was made where somebody loses or gains something."""
    held, touched = scene.holdings["Product"], 0
    for shift in shifts:
        if shift.kind.type == "Product":
            touched |= shift.lost | shift.gained
    products = [resource.name for resource in held.select(touched, MAX_TOUCHED)]
    copied = any(Action.REPLICATE in actions_of(p.raw) for p in Sides(scene.old, scene.new).changed)
    everything = frozenset(held.names)
    found = simulations.touched(frozenset(products))
    if copied:
        found |= {
            what: list(_refused(scene, rows))
            for what, rows in simulations.touched(everything).items()
            if what != "derived"
        }
    else:
        found |= {"transfers": []}  # only a word on copies stops a copy that is under way
    known = {resource.name for resource in held.select(scene.seen["Product"])} if found else set()
    return {
        "truncated": touched.bit_count() > MAX_TOUCHED,
        **{what: _listed(rows, known, scene.names) for what, rows in found.items()},
    }


def _listed(rows: Sequence[dict[str, Any]], known: set[str], names: int) -> dict[str, Any]:
    shown = [row for row in rows if row["name"] in known]
    return {"count": len(rows), "sample": shown[:names]}


def _refused(scene: Scene, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the copies that the reconciler may make now and could not, or the other way round."""
    loaded: dict[str, Resource] = {}
    for row in rows:
        name = row["name"]
        if name not in loaded:
            loaded[name] = resources.load(name)
        at = Situation(site=row["site"], jurisdictions=frozenset(row["jurisdictions"]))
        was, would = (
            decision.decide(policies, RECONCILER, Action.REPLICATE, loaded[name], at).allow
            for policies in (scene.old, scene.new)
        )
        if was != would:
            yield {**row, "would": "be allowed" if would else "be refused"}
