"""Source choice: routes are what a naive search over all ways finds, and none passes a forbidden
site."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from movement.engine.costs import copy_cost, requests_for, storage_cost
from movement.engine.mesh import GB, LinkView, Mesh, SiteView, StoreView
from movement.engine.routes import (
    FAR_SHARE,
    LEG_SECONDS,
    LOAD_SHARE,
    SECONDS_PER_MONEY,
    Route,
    routes,
)

NAMES = ("s0", "s1", "s2", "s3", "s4")
SITES = ("a", "b", "c", "d")
CODES = ("DE", "EU", "US")

site_views = st.builds(
    SiteView,
    name=st.just(""),
    kind=st.sampled_from(["core", "edge"]),
    jurisdictions=st.lists(st.sampled_from(CODES), min_size=1, max_size=2).map(tuple),
    reachable=st.sampled_from([True] * 7 + [False]),
    accepts=st.sampled_from([True] * 5 + [False]),
)
links = st.builds(
    LinkView,
    open=st.sampled_from([True, False, False]),
    rate=st.sampled_from([None, 1e6, 5e7]),
    limit=st.sampled_from([None, 2e6]),
    cost_per_gb=st.sampled_from([0.0, 0.05]),
    failure_rate=st.sampled_from([0.0, 0.5, 1.0]),
)


@st.composite
def meshes(draw: st.DrawFn) -> Mesh:
    sites = {name: draw(site_views) for name in SITES}
    stores = [
        StoreView(
            name,
            SiteView(
                site,
                sites[site].kind,
                sites[site].jurisdictions,
                sites[site].reachable,
                sites[site].accepts,
            ),
            usable=draw(st.sampled_from([True] * 5 + [False])),
            answers=draw(st.sampled_from([True] * 5 + [False])),
            trusted=draw(st.sampled_from([True] * 5 + [False])),
            free_bytes=draw(st.sampled_from([None, None, 10])),
            cost_1000_puts=draw(st.sampled_from([0.0, 1.0])),
        )
        for name in NAMES
        for site in [draw(st.sampled_from(SITES))]
    ]
    pairs = [(one, other) for one in SITES for other in SITES if one != other]
    return Mesh.of(stores, draw(st.fixed_dictionaries({}, optional=dict.fromkeys(pairs, links))))


sources = st.sets(st.sampled_from(NAMES), max_size=4)
allowed = st.sets(st.sampled_from(NAMES), min_size=2)
amounts = st.sampled_from([0, 1000, 3 * GB])


def naive(
    mesh: Mesh, held: set[str], allowed: set[str], bytes: int
) -> list[tuple[tuple[object, ...], tuple[str, ...]]]:
    """Walk every path of one and of two legs to s0, and sort what is open."""
    target = mesh.stores["s0"]

    def open_leg(one: str, other: str) -> bool:
        a, b = mesh.stores[one].site.name, mesh.stores[other].site.name
        return a == b or mesh.links.get((a, b), LinkView()).open

    def stop_is_good(source: str, stop: str) -> bool:
        view = mesh.stores[stop]
        third = view.site.name not in (mesh.stores[source].site.name, target.site.name)
        room = view.free_bytes is None or bytes <= view.free_bytes
        well = view.usable and view.answers and view.trusted
        there = view.site.accepts and view.site.reachable
        return third and room and well and there and stop in allowed

    ready = [
        name
        for name in held - {"s0"}
        if mesh.stores[name].trusted and mesh.stores[name].site.reachable
    ]
    if not target.site.reachable:
        return []
    paths: list[tuple[str, ...]] = [
        (source, "s0") for source in ready if open_leg(source, "s0")
    ] or [
        (source, stop, "s0")
        for source in ready
        for stop in NAMES
        if stop_is_good(source, stop) and open_leg(source, stop) and open_leg(stop, "s0")
    ]
    return sorted(((naive_key(mesh, path, bytes), path) for path in paths), key=lambda pair: pair)


def naive_key(mesh: Mesh, path: tuple[str, ...], bytes: int) -> tuple[object, ...]:
    source, target = mesh.stores[path[0]], mesh.stores["s0"]
    total = 0.0
    for one, other in pairwise(path):
        a, b = mesh.stores[one].site, mesh.stores[other].site
        link = mesh.link(a.name, b.name)
        rate = min(link.rate or 5e7 * (4 if a.name == b.name else 1), link.limit or 1e99)
        apart = a.name != b.name and not set(a.jurisdictions) & set(b.jurisdictions)
        if link.rate is None and apart:
            rate *= FAR_SHARE
        total += (LEG_SECONDS + bytes / rate) / max(0.05, 1 - link.failure_rate)
        egress = 0 if a.name == b.name else link.cost_per_gb * bytes / GB
        puts = mesh.stores[other].cost_1000_puts * (2 + bytes // 2**24) / 1000
        total += SECONDS_PER_MONEY * (egress + puts)
    local = source.site.name == target.site.name
    shared = set(source.site.jurisdictions) & set(target.site.jurisdictions)
    nearness = [n for n, code in enumerate(target.site.jurisdictions) if code in shared]
    return (
        not source.answers,
        not source.site.accepts,
        not local,
        round(total, 6),
        0 if local else 1 if shared else 2,
        min(nearness, default=9),
        source.site.kind,
        path,
    )


@settings(max_examples=60, deadline=None)
@given(meshes(), sources, allowed, amounts)
def test_the_order_is_that_of_a_naive_search(
    mesh: Mesh, held: set[str], allowed: set[str], bytes: int
) -> None:
    found = routes(mesh, held, "s0", bytes, 2, lambda name: name in allowed)
    wanted = naive(mesh, held, allowed, bytes)
    assert sorted(route.stores for route in found) == sorted(path for _, path in wanted)
    keys = [naive_key(mesh, route.stores, bytes) for route in found]
    assert keys == sorted(keys)


@settings(max_examples=60, deadline=None)
@given(meshes(), sources, st.sets(st.sampled_from(SITES), max_size=2), amounts)
def test_no_route_passes_a_forbidden_site(
    mesh: Mesh, held: set[str], forbidden: set[str], bytes: int
) -> None:
    def judge(store: str) -> bool:
        return mesh.stores[store].site.name not in forbidden

    for route in routes(mesh, held, "s0", bytes, 2, judge):
        passed = {mesh.stores[store].site.name for store in route.stores[1:-1]}
        assert not passed & forbidden
        assert route.source in held


def store(name: str, site: str, *codes: str, **facts: float) -> StoreView:
    return StoreView(name, SiteView(site, jurisdictions=codes), **facts)  # type: ignore[arg-type]  # prices only


EU, US, PT = store("eu", "a", "DE", "EU"), store("us", "b", "US"), store("pt", "c", "PT", "EU")


def yes(store: str) -> bool:
    return True


def of(*mesh_and_links: StoreView, **closed: LinkView) -> Mesh:
    return Mesh.of(mesh_and_links, {(name[0], name[1]): view for name, view in closed.items()})


def test_a_stop_is_made_only_when_no_direct_way_is_open() -> None:
    direct = routes(of(EU, US, PT, ab=LinkView(rate=1.0)), ["eu"], "us", GB, 1, yes)
    assert [route.stores for route in direct] == [("eu", "us")], "slow, but direct"
    cut = of(EU, US, PT, ab=LinkView(open=False))
    (way,) = routes(cut, ["eu"], "us", GB, 1, yes)
    assert (way.stores, way.source, way.hop) == (("eu", "pt", "us"), "eu", "pt")
    assert routes(cut, ["eu"], "us", GB, 1, lambda name: name != "pt") == []


def test_a_measured_link_beats_a_nearer_one_that_fails_or_costs() -> None:
    def first(**ways: LinkView) -> str:
        return routes(of(EU, US, PT, **ways), ["us", "pt"], "eu", GB, 1, yes)[0].source

    assert first() == "pt", "unmeasured, the nearer one"
    assert first(bc=LinkView(), ca=LinkView(rate=1e6), ba=LinkView(rate=1e8)) == "us"
    assert first(ca=LinkView(failure_rate=0.9)) == "us"
    assert first(ca=LinkView(cost_per_gb=1.0)) == "us"


def test_a_store_that_is_read_from_already_gives_way() -> None:
    twins = of(EU, store("us1", "b", "US"), store("us2", "b", "US"))
    ways = routes(twins, ["us1", "us2"], "eu", GB, 1, yes, {"us1": 2})
    assert [way.source for way in ways] == ["us2", "us1"]
    assert ways[1].seconds == ways[0].seconds * (1 + 2 * LOAD_SHARE)


def test_costs_are_egress_and_requests() -> None:
    mesh = of(
        store("eu", "a", "EU", cost_1000_gets=1.0),
        store("us", "b", "US", cost_1000_puts=5.0, cost_gb_month=0.02),
        ab=LinkView(cost_per_gb=0.09),
    )
    assert requests_for(100, 160 * 2**20) == 110
    assert (
        copy_cost(mesh, "eu", "us", 1000, 10 * GB) == 0.9 + 6.0 * requests_for(1000, 10 * GB) / 1000
    )
    assert copy_cost(mesh, "us", "eu", 1000, 0) == 0.0
    assert storage_cost(mesh.stores["us"], 50 * GB, 2) == 2.0
    assert Route(("eu", "us"), 10.0, 2.0).score == 10.0 + 2.0 * SECONDS_PER_MONEY
