"""Placement against brute force: what is asked for is given, and no choice would cost less."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.engine.protection import Protection, Requirement, requirement_of
from movement.engine.mesh import Mesh, SiteView, StoreView
from movement.engine.placement import (
    Held,
    Load,
    Plan,
    Question,
    Standing,
    Step,
    Verdict,
    Wish,
    jurisdiction_of,
    place,
)

ONE_TB = Load(bytes=10**12, files=1)
YES = Verdict(True)
NO = Verdict(False, ("residency",), "It may not leave.")


def store(name: str, site: str, codes: tuple[str, ...] = (), **more: object) -> StoreView:
    return StoreView(name, SiteView(site, jurisdictions=codes), **more)  # type: ignore[arg-type]


@st.composite
def meshes(draw: st.DrawFn) -> Mesh:
    count = draw(st.integers(1, 6))
    sites = [
        SiteView(f"s{n}", jurisdictions=(draw(st.sampled_from(["DE", "FR", "US"])),))
        for n in range(draw(st.integers(1, count)))
    ]
    stores = [
        StoreView(
            f"store{n}", draw(st.sampled_from(sites)), cost_gb_month=float(draw(st.integers(0, 9)))
        )
        for n in range(count)
    ]
    return Mesh.of(stores)


def asks(question: Question) -> Plan:
    return place(question)


def is_met(requirement: Requirement, chosen: list[StoreView]) -> bool:
    sites = {s.site.name for s in chosen}
    codes = {jurisdiction_of(s) for s in chosen}
    return (
        len(sites) >= requirement.places
        and len(codes) >= requirement.jurisdictions
        and requirement.sites <= sites
    )


def price(chosen: list[StoreView]) -> float:
    return sum(ONE_TB.price(s) for s in chosen)


@settings(max_examples=150)
@given(
    mesh=meshes(),
    copies=st.integers(1, 4),
    jurisdictions=st.integers(1, 3),
    there=st.sets(st.integers(0, 5), max_size=2),
    denied=st.sets(st.integers(0, 5), max_size=2),
)
def test_no_choice_that_satisfies_costs_less(
    mesh: Mesh, copies: int, jurisdictions: int, there: set[int], denied: set[int]
) -> None:
    names = sorted(mesh.stores)
    held = {f"store{n}": Held(Standing.GOOD) for n in there if f"store{n}" in names}
    forbidden = {f"store{n}" for n in denied}
    requirement = requirement_of(Protection("p", copies=copies, jurisdictions=jurisdictions))
    plan = place(
        Question(requirement, mesh, held, lambda s: NO if s.name in forbidden else YES, load=ONE_TB)
    )
    copied = [mesh.stores[item.store] for item in plan.of(Step.COPY)]
    base = [mesh.stores[name] for name in held if name not in forbidden]
    assert not forbidden & {s.name for s in copied}
    free = [mesh.stores[n] for n in names if n not in held and n not in forbidden]
    good = [
        list(some)
        for size in range(len(free) + 1)
        for some in combinations(free, size)
        if is_met(requirement, base + list(some))
    ]
    assert (plan.unmet is None) == bool(good)
    if good:
        assert is_met(requirement, base + copied)
        assert price(copied) == min(price(some) for some in good)


def test_the_same_question_has_the_same_plan_and_what_is_there_stays() -> None:
    mesh = Mesh.of([store("a", "x"), store("b", "y"), store("c", "z")])
    asked = requirement_of(Protection("p", copies=2))
    first = place(Question(asked, mesh, {"c": Held(Standing.GOOD)}, lambda _: YES))
    assert [(i.step, i.store) for i in first.items] == [(Step.KEEP, "c"), (Step.COPY, "a")]
    coming = {"c": Held(Standing.GOOD), "a": Held(Standing.COMING)}
    again = place(Question(asked, mesh, coming, lambda _: YES))
    assert again.of(Step.COPY) == []


def test_a_refusal_is_told_only_of_a_store_that_would_have_been_chosen() -> None:
    mesh = Mesh.of([store("a", "x"), store("b", "y"), store("c", "z")])
    asked = requirement_of(Protection("p", copies=2))
    held = {"b": Held(Standing.GOOD)}
    plan = place(Question(asked, mesh, held, lambda s: NO if s.name == "a" else YES))
    assert [item.store for item in plan.of(Step.REFUSE)] == ["a"]
    assert [item.store for item in plan.of(Step.COPY)] == ["c"]
    enough = place(Question(requirement_of(Protection("p")), mesh, held, lambda _: NO))
    assert enough.of(Step.REFUSE) == [] or enough.unmet is not None


def test_a_full_store_a_dear_one_and_one_too_slow_to_erase_are_passed_over() -> None:
    mesh = Mesh.of(
        [
            store("full", "a", free_bytes=5),
            store("dear", "b", cost_gb_month=1.0),
            store("slow", "c", erasable_days=90.0),
            store("fine", "d", cost_gb_month=0.1),
        ]
    )
    spec = Protection("p", copies=2, budget_per_month=0.3, erasable_within_days=30)
    load = Load(bytes=10**9, files=1)
    plan = place(Question(requirement_of(spec), mesh, {}, lambda _: YES, load=load))
    assert [item.store for item in plan.of(Step.COPY)] == ["fine"]
    assert plan.unmet is not None
    assert "over 0.3 a month, by p" in plan.unmet


def test_an_old_version_moves_to_the_tier_that_its_age_asks_for() -> None:
    mesh = Mesh.of([store("hot", "a"), store("cold", "a", tier="cold"), store("far", "b")])
    spec = {"copies": 1, "tiers": [{"after_days": 30, "tier": "cold"}]}
    asked = requirement_of(Protection.from_spec("p", spec))
    held = {"hot": Held(Standing.GOOD, ours=True)}
    young = place(Question(asked, mesh, held, lambda _: YES, load=Load(age_days=29)))
    assert young.of(Step.COPY) == []
    old = place(Question(asked, mesh, held, lambda _: YES, load=Load(age_days=30)))
    assert [(item.store, item.policies) for item in old.of(Step.COPY)] == [("cold", ("p",))]


def test_a_wish_is_granted_where_it_is_permitted_and_told_where_not() -> None:
    mesh = Mesh.of([store("a", "x"), store("b", "y")])
    wishes = (
        Wish("subscription", "Ben wants it.", site="y", priority=8),
        Wish("pin", "!", store="q"),
    )
    held = {"a": Held(Standing.GOOD)}
    plan = place(Question(Requirement(), mesh, held, lambda _: YES, wishes))
    copy = plan.of(Step.COPY)[0]
    assert (copy.store, copy.policies, copy.priority) == ("b", ("subscription",), 8)
    assert plan.unmet == "No permitted store gives a copy in q."
    refused = place(
        Question(Requirement(), mesh, held, lambda s: NO if s.name == "b" else YES, wishes)
    )
    assert [item.store for item in refused.of(Step.REFUSE)] == ["b"]


@pytest.mark.parametrize(
    ("draining", "told"),
    [(False, "which is away and gets it when it is back"), (True, "which is being emptied")],
)
def test_a_site_that_takes_no_copy_now_is_told_with_its_reason(draining: bool, told: str) -> None:
    away = SiteView("edge", accepts=False, reachable=draining, draining=draining)
    mesh = Mesh.of([StoreView("home", SiteView("core")), StoreView("box", away)])
    asked = requirement_of(Protection("p", sites=frozenset({"edge"})))
    pin = Wish("pin by ana", "It is pinned.", store="box")
    for wanted, wishes in ((asked, ()), (Requirement(), (pin,))):
        where = "in box" if wishes else "at edge"
        plan = place(Question(wanted, mesh, {"home": Held(Standing.GOOD)}, lambda _: YES, wishes))
        assert plan.unmet == f"No permitted store gives a copy {where}, {told}."


def test_a_copy_that_must_be_locked_lies_where_it_can_be() -> None:
    mesh = Mesh.of([store("open", "a"), store("locked", "b", locks=True)])
    asked = requirement_of(Protection("p", object_lock_days=90))
    held = {"open": Held(Standing.GOOD)}
    plan = place(Question(asked, mesh, held, lambda _: YES))
    assert [item.store for item in plan.of(Step.COPY)] == ["locked"]
    nowhere = place(Question(asked, Mesh.of([store("open", "a")]), held, lambda _: YES))
    assert nowhere.unmet is not None
