from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from governance.engine import decision
from governance.engine.bitmaps import Bitmaps
from governance.engine.closures import closure
from governance.engine.conditions import All, Begins, Condition, Equals, Holds, Not, OneOf, Some
from governance.engine.conditions import Within as Lies
from governance.engine.entities import MESH, Action, Principal, Resource, Scope, Situation
from governance.engine.permits import Permit
from governance.engine.policyset import PolicySet, policy_set
from governance.engine.simulation import (
    ACTIONS,
    Person,
    Shift,
    allowed_to,
    binds_less,
    simulate,
    situations_in,
)
from governance.engine.uids import Uid
from governance.selectors import default_policies, schema_text

TEAMS, LABELS = ("nlp", "health"), ("pii:email", "topic:text")
DOMAINS = ("/acme", "/acme/nlp", "/acme-2")


@cache
def products() -> list[Resource]:
    found = []
    for number, domain in enumerate(DOMAINS * 4):
        labels = {label for bit, label in enumerate(LABELS) if number >> bit & 1}
        found.append(
            Resource(
                "Product", f"{domain}/~/p{number}", team=TEAMS[number % 2],
                visibility=("public", "mesh", "team")[number % 3],
                access=("open", "request")[number // 2 % 2], lifecycle="active",
                labels=frozenset(labels),
            )
        )  # fmt: skip
    return found


def holdings() -> dict[str, Bitmaps]:
    domains = [Resource("Domain", name, team=TEAMS[n % 2]) for n, name in enumerate(DOMAINS)]
    return {
        "Mesh": Bitmaps([MESH]), "Domain": Bitmaps(domains), "Product": Bitmaps(products()),
    }  # fmt: skip


UNTIL = datetime(2030, 1, 1, tzinfo=UTC)
PEOPLE = [
    Person(Principal("ana", frozenset({"members"}), frozenset({"nlp"}), frozenset({"nlp/owner"}))),
    Person(Principal("ben", frozenset({"members"}))),
    Person(Principal("bea", frozenset({"members"}))),
    Person(
        Principal("cleo", frozenset({"members"})),
        (Permit("1", "cleo", "/acme/nlp/~/p1", "any", UNTIL),),
    ),
    Person(Principal("bot", frozenset({"operators"}), kind="service")),
    Person(Principal("anonymous")),
]
scopes = st.sampled_from(
    ["principal", 'principal in Group::"members"', 'principal in Team::"nlp"',
     'principal == User::"ben"', 'principal in Role::"nlp/owner"']
)  # fmt: skip
actions = st.sampled_from(
    ["action", 'action == Action::"read"', 'action in [Action::"discover", Action::"transform"]']
)
things = st.sampled_from(
    ["resource is Product", 'resource is Product in Domain::"/acme/nlp"',
     'resource == Product::"/acme/nlp/~/p1"', 'resource in Domain::"/acme"', "resource is Mesh"]
)  # fmt: skip
tests = st.sampled_from(
    ['resource.labels.contains("pii:email")', 'resource.visibility == "mesh"',
     'context.purpose == "analytics"', 'resource.name like "/acme/nlp/*"',
     'resource.access == "open" && resource.lifecycle == "active"',
     "principal in resource.owners", 'principal.kind == "service"']
)  # fmt: skip
notes = st.sampled_from(
    ["", '@mask("email=hash")', '@mask("email=null; age=bucket:10")', '@watermark("w")',
     '@rows("resource.country == \\"DE\\"")', '@purpose("analytics")']
)  # fmt: skip


@st.composite
def policies(draw: st.DrawFn, name: str) -> str:
    thing, effect = draw(things), draw(st.sampled_from(["permit", "permit", "forbid"]))
    note = draw(notes) if effect == "permit" else ""
    clause = ""
    if "Product" in thing and draw(st.booleans()):
        clause = f"{draw(st.sampled_from(['when', 'unless']))} {{ {draw(tests)} }}"
    return (
        f'@id("{name}") {note} {effect} ({draw(scopes)}, {draw(actions)}, {thing}) {clause};'
    )  # fmt: skip


@st.composite
def changes(draw: st.DrawFn) -> tuple[PolicySet, PolicySet]:
    """Two sets that share some policies; of each other one side or both have a version."""
    base = default_policies() if draw(st.booleans()) else ""
    before, after = [base], [base]
    for number in range(draw(st.integers(1, 5))):
        text = draw(policies(f"p{number}"))
        fate = draw(st.sampled_from(["kept", "kept", "edited", "added", "removed"]))
        before += [] if fate == "added" else [text]
        if fate != "removed":
            after.append(draw(policies(f"p{number}")) if fate == "edited" else text)
    return policy_set("\n".join(before), schema_text()), policy_set("\n".join(after), schema_text())


def brute_force(old: PolicySet, new: PolicySet) -> Iterator[tuple[str, str, str, str, str]]:
    for person in PEOPLE:
        for action in ACTIONS:
            for purpose in ("", "analytics"):
                for held in holdings().values():
                    for thing in held.resources:
                        yield from compared(old, new, person, action, purpose, thing)


def compared(
    old: PolicySet, new: PolicySet, person: Person, action: Action, purpose: str, thing: Resource
) -> Iterator[tuple[str, str, str, str, str]]:
    one, other = (
        decision.decide(side, person.principal, action, thing, Situation(purpose), person.permits)
        for side in (old, new)
    )
    key = person.principal.id, str(action), purpose, thing.name
    if one.allow != other.allow:
        yield ("gained" if other.allow else "lost", *key)
    elif one.allow and not same(one.obligations, other.obligations):
        yield ("rebound", *key)
        if binds_less(other.obligations, one.obligations):
            yield ("wider", *key)


def same(one: Any, other: Any) -> bool:
    """Rows joined in another order are the same rows, and so are marks."""
    return bool(
        one.masks == other.masks
        and one.purposes == other.purposes
        and set(one.watermarks) == set(other.watermarks)
        and one.rows == other.rows
    )


def told(shifts: list[Shift]) -> Iterator[tuple[str, str, str, str, str]]:
    held = holdings()
    for shift in shifts:
        for what in ("gained", "lost", "rebound", "wider"):
            for thing in held[shift.kind.type].select(getattr(shift, what)):
                for name in shift.people:
                    yield (
                        what,
                        name,
                        str(shift.kind.action),
                        shift.kind.situation.purpose,
                        thing.name,
                    )


@settings(max_examples=40, deadline=None)
@given(changes())
def test_every_pair_is_told_and_no_other(change: tuple[PolicySet, PolicySet]) -> None:
    old, new = change
    assume(old.text != new.text)
    found = list(told(simulate(old, new, PEOPLE, holdings())))
    assert len(found) == len(set(found))
    asked = {at.purpose for side in (old, new) for at in situations_in(side.program.policies)}
    assert set(found) == {row for row in brute_force(old, new) if row[3] in asked}


def test_every_situation_that_a_policy_tells_apart_is_looked_at() -> None:
    """The new permit helps nobody but those who come for a purpose that an old forbid spares."""
    old = """@id("a") forbid (principal, action, resource) unless
        { context.purpose == "analytics" && context.site == "core" };"""
    new = (
        old
        + """@id("b") permit (principal, action == Action::"read", resource is Product) when
        { !context.jurisdictions.containsAny(["DE", "FR"]) };"""
    )
    sets = [policy_set(text, schema_text()) for text in (old, new)]
    assert len(situations_in(sets[1].program.policies)) == 2 * 2 * 4
    shifts = simulate(sets[0], sets[1], PEOPLE, holdings())
    assert {shift.kind.situation for shift in shifts} == {Situation("analytics", "core")}


def test_no_change_shifts_nothing() -> None:
    one = policy_set(default_policies(), schema_text())
    assert simulate(one, one, PEOPLE, holdings()) == []


leaves = st.one_of(
    st.builds(Equals, st.just("visibility"), st.sampled_from(["public", "mesh", "x"])),
    st.builds(Equals, st.just("owners"), st.sampled_from(["nlp/owner", "x/owner"])),
    st.builds(Equals, st.just("name"), st.sampled_from(["/acme/nlp/~/p1", "/x/~/y"])),
    st.builds(OneOf, st.just("team"), st.frozensets(st.sampled_from([*TEAMS, "x"]))),
    st.builds(OneOf, st.just("name"), st.frozensets(st.sampled_from(["/acme/~/p0", "/z"]))),
    st.builds(Holds, st.just("labels"), st.sampled_from([*LABELS, "x:y"])),
    st.builds(Holds, st.just("residency"), st.sampled_from(["DE"])),
    st.builds(Begins, st.just("name"), st.sampled_from(["/acme/", "/acme", "/z", ""])),
    st.builds(
        lambda name, itself: Lies(Uid("Domain", name), itself),
        st.sampled_from([*DOMAINS, "/none"]),
        st.booleans(),
    ),
    st.booleans(),
)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(All, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Some, st.lists(inner, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)


@given(conditions)
def test_a_bitmap_holds_what_its_closure_is_true_of(condition: Condition) -> None:
    held = Bitmaps(products())
    test = closure(condition)
    assert list(held.select(held.of(condition))) == [r for r in held.resources if test(r)]


def test_a_limit_takes_the_first() -> None:
    held = Bitmaps(products())
    assert list(held.select(held.everything, 3)) == list(held.resources[:3])
    assert list(held.select(held.everything, 0)) == []
    assert list(Bitmaps([]).select(0)) == []


def test_what_a_token_does_not_cover_is_not_known() -> None:
    held = Bitmaps(products())
    policies = policy_set(default_policies(), schema_text())
    bot = PEOPLE[4]
    scope = Scope(frozenset({Action.DISCOVER}), "/acme/nlp")
    narrow = Person(replace(bot.principal, scopes=(scope,)))
    everything = held.select(allowed_to(policies, bot, Action.DISCOVER, "Product", held))
    some = held.select(allowed_to(policies, narrow, Action.DISCOVER, "Product", held))
    assert [r for r in everything if r.name.startswith("/acme/nlp/")] == list(some)
