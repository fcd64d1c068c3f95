"""Surplus: whatever may go, what stays satisfies everything by itself, and can be asked for now."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from governance.engine.protection import Protection, requirement_of
from movement.engine.mesh import Mesh, SiteView, StoreView
from movement.engine.placement import (
    Held,
    Question,
    Standing,
    Step,
    Verdict,
    Wish,
    jurisdiction_of,
)
from movement.engine.surplus import surplus

YES, NO = Verdict(True), Verdict(False, ("eu-only",), "It may not lie there.")
OURS = Held(Standing.GOOD, ours=True)


def mesh_of(*sites: SiteView) -> Mesh:
    return Mesh.of([StoreView(f"at-{site.name}", site) for site in sites])


sites = st.builds(
    SiteView,
    name=st.sampled_from("abcdef"),
    jurisdictions=st.sampled_from([("DE",), ("FR",), ("US",)]),
    reachable=st.booleans(),
    counts=st.booleans(),
    draining=st.booleans(),
)
holdings = st.builds(
    Held, standing=st.sampled_from(Standing), ours=st.booleans(), foreign=st.booleans()
)


@settings(max_examples=300)
@given(
    found=st.lists(sites, min_size=1, max_size=6, unique_by=lambda site: site.name),
    held=st.dictionaries(st.sampled_from([f"at-{c}" for c in "abcdef"]), holdings),
    copies=st.integers(1, 3),
    jurisdictions=st.integers(1, 2),
    must=st.sets(st.sampled_from("abc"), max_size=1),
    denied=st.sets(st.sampled_from([f"at-{c}" for c in "abcdef"]), max_size=2),
    wished=st.sampled_from(["", "a", "b"]),
)
def test_what_stays_is_enough(
    found: list[SiteView],
    held: dict[str, Held],
    copies: int,
    jurisdictions: int,
    must: set[str],
    denied: set[str],
    wished: str,
) -> None:
    mesh = mesh_of(*found)
    asked = requirement_of(
        Protection("p", copies=copies, jurisdictions=jurisdictions, sites=frozenset(must))
    )
    wishes = (Wish("w", "wanted", site=wished),) if wished else ()
    question = Question(
        asked, mesh, held, lambda store: NO if store.name in denied else YES, wishes
    )
    going = surplus(question)
    assert all(item.step is Step.REMOVE for item in going)
    gone = {item.store for item in going}
    for name in gone:
        assert not held[name].foreign
        assert held[name].standing is not Standing.COMING
        allowed_and_wanted = name not in denied and not mesh.stores[name].site.draining
        assert not allowed_and_wanted or held[name].ours
    if not going:
        return
    stays = [
        store
        for name, store in mesh.stores.items()
        if name in held and name not in gone and name not in denied
        and held[name].standing is Standing.GOOD and store.vouches
    ]  # fmt: skip
    at = {store.site.name for store in stays}
    assert len(at) >= copies
    assert len({jurisdiction_of(store) for store in stays}) >= jurisdictions
    assert must <= at
    assert not wished or wished in at


def test_the_last_good_copy_stays_even_where_it_is_forbidden() -> None:
    mesh = mesh_of(SiteView("a"), SiteView("b"))
    held = {"at-a": OURS}
    assert surplus(Question(requirement_of(Protection("p")), mesh, held, lambda _: NO)) == []
    held["at-b"] = OURS
    judged = Question(
        requirement_of(Protection("p")), mesh, held, lambda s: NO if s.name == "at-a" else YES
    )
    assert [(i.store, i.policies) for i in surplus(judged)] == [("at-a", ("eu-only",))]


def test_what_somebody_uploaded_is_no_surplus_and_what_we_copied_is() -> None:
    mesh = mesh_of(SiteView("a"), SiteView("b"))
    asked = requirement_of(Protection("p"))
    held = {"at-a": Held(Standing.GOOD), "at-b": OURS}
    assert [i.store for i in surplus(Question(asked, mesh, held, lambda _: YES))] == ["at-b"]
    two = requirement_of(Protection("p", copies=2))
    assert surplus(Question(two, mesh, held, lambda _: YES)) == []


def test_a_copy_that_is_away_backs_no_removal() -> None:
    away = SiteView("a", reachable=False)
    held = {"at-a": Held(Standing.GOOD), "at-b": OURS}
    asked = requirement_of(Protection("p"))
    assert surplus(Question(asked, mesh_of(away, SiteView("b")), held, lambda _: YES)) == []
    back = replace(away, reachable=True)
    found = surplus(Question(asked, mesh_of(back, SiteView("b")), held, lambda _: YES))
    assert [item.store for item in found] == ["at-b"]


def test_a_draining_site_is_emptied_once_there_is_enough_elsewhere() -> None:
    leaving = SiteView("a", counts=False, accepts=False, draining=True)
    mesh = mesh_of(leaving, SiteView("b"))
    asked = requirement_of(Protection("p"))
    alone = Question(asked, mesh, {"at-a": Held(Standing.GOOD)}, lambda _: YES)
    assert surplus(alone) == []
    followed = replace(alone, held={"at-a": Held(Standing.GOOD), "at-b": OURS})
    assert [item.store for item in surplus(followed)] == ["at-a"]
