"""Who may do what before anyone writes a policy."""

from __future__ import annotations

import pytest

from catalog.selectors import find_product, product_resource
from core.errors import NotAuthenticated, NotFound, PolicyDenied
from core.names import Name
from governance.engine.entities import ANONYMOUS, MESH, RECONCILER, Action, Principal, Resource
from governance.services import decide, require
from tests.builders import World

MESH_PRODUCT, OPEN, SECRET = "/acme/nlp/~/wiki", "/acme/nlp/~/open", "/acme/nlp/~/secret"
EVERYTHING = "discover read write publish replicate transform administer"
TABLE = {
    # who: what on a product of the mesh, on an open public one, on one private to the team
    "owner": (EVERYTHING, EVERYTHING, EVERYTHING),
    "member": ("discover read transform", "discover read transform", "discover read transform"),
    "stranger": ("discover", "discover read transform", ""),
    "operator": ("discover administer replicate", "discover read transform administer replicate",
                 "discover administer replicate"),
    "anonymous": ("", "discover", ""),
    # an agent does what it may itself and the person as well: never more than either
    "agent alone": ("discover", "discover read transform", ""),
    "agent of an owner": ("discover read transform",) * 3,
    "agent of a stranger": ("discover", "discover read transform", ""),
    "agent of nobody known": ("", "discover", ""),
    "reconciler": ("discover replicate",) * 3,
}  # fmt: skip


def people(world: World) -> dict[str, Principal]:
    world.add_person("mina")
    team = frozenset({"nlp"})
    return {
        "owner": world.ana.principal,
        "member": Principal("mina", frozenset({"members"}), teams=team),
        "stranger": world.ben.principal,
        "agent alone": agent(None),
        "agent of an owner": agent(world.ana.principal),
        "agent of a stranger": agent(world.ben.principal),
        "agent of nobody known": agent(ANONYMOUS),
        "operator": Principal("root", frozenset({"members", "operators"})),
        "anonymous": ANONYMOUS,
        "reconciler": RECONCILER,
    }


def agent(person: Principal | None) -> Principal:
    return Principal("bot", frozenset({"members"}), kind="agent", on_behalf_of=person)


def resource(name: str) -> Resource:
    product = find_product(Name.parse(name))
    assert product is not None
    return product_resource(product)


@pytest.mark.parametrize("who", TABLE)
def test_the_table_holds(world: World, who: str) -> None:
    principal = people(world)[who]
    for name, allowed in zip((MESH_PRODUCT, OPEN, SECRET), TABLE[who], strict=True):
        found = [str(a) for a in Action if decide(principal, a, resource(name)).allow]
        assert sorted(found) == sorted(allowed.split()), (who, name)


@pytest.mark.parametrize(
    ("who", "name", "action", "error"),
    [
        ("stranger", SECRET, Action.READ, NotFound),
        ("anonymous", SECRET, Action.READ, NotFound),
        ("anonymous", MESH_PRODUCT, Action.DISCOVER, NotFound),
        ("anonymous", OPEN, Action.READ, NotAuthenticated),
        ("stranger", MESH_PRODUCT, Action.READ, PolicyDenied),
        ("member", MESH_PRODUCT, Action.PUBLISH, PolicyDenied),
        ("operator", SECRET, Action.READ, PolicyDenied),
    ],
)
def test_a_refusal_says_no_more_than_one_may_know(
    world: World, who: str, name: str, action: Action, error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        require(people(world)[who], action, resource(name))
    way = getattr(caught.value, "extra", {}).get("request_access")
    assert bool(way) == (error is PolicyDenied and action is Action.READ)


def test_only_operators_found_domains_and_run_the_mesh(world: World) -> None:
    for who, principal in people(world).items():
        for action in (Action.PUBLISH, Action.ADMINISTER):
            assert decide(principal, action, MESH).allow == (who == "operator")


def test_every_decision_says_which_policy_made_it(world: World) -> None:
    answer = decide(world.ben.principal, Action.READ, resource(OPEN))
    assert answer.policies == ("open-data-is-read",)
    assert answer.reason == "Members read and transform products whose access is open."
    refused = decide(world.ben.principal, Action.WRITE, resource(OPEN))
    assert (refused.allow, refused.policies) == (False, ())
    assert "No policy permits write" in refused.reason
