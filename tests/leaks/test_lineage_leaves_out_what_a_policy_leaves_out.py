"""A hidden node is redacted in lineage, or by policy not there: not drawn, walked or counted.

KNOWN was made into SECRET and SECRET into OPEN, which was made into PLAIN.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from governance.services import retire_policy, save_policy
from tests.builders import Person, World
from tests.leaks.mesh import KNOWN, OPEN, PLAIN, SECRET, build_settled


@pytest.fixture
def mesh(db: None, settings: Any, tmp_path: Path) -> World:
    return build_settled(settings, tmp_path)


def policy(
    world: World, hidden: str, *, slug: str = "lineage", prefix: str = "/acme", labels: str = ""
) -> Any:
    text = (
        f"kind: services\nid: {slug}\nscope: {{prefix: {prefix}, labels: [{labels}]}}\n"
        f"spec: {{lineage: {{hidden: {hidden}}}}}\n"
    )
    return save_policy(world.operator.principal, kind="services", text=text)


def graph(who: Person, name: str, **more: Any) -> dict[str, Any]:
    query = {"name": name, "depth": 9, **more}
    answer = who.client().get("/api/v1/lineage/graph", query)
    assert answer.status_code == 200
    return dict(answer.json())


def drawn(found: dict[str, Any]) -> list[str]:
    return sorted(node["name"] or "redacted" for node in found["nodes"])


def test_it_is_redacted_unless_a_policy_says_otherwise(mesh: World) -> None:
    found = graph(mesh.ben, OPEN)
    assert drawn(found) == sorted([KNOWN, OPEN, PLAIN, "redacted"])
    assert (found["total"], len(found["edges"])) == (4, 3)
    policy(mesh, "redact")
    assert graph(mesh.ben, OPEN) == found


def test_what_is_left_out_leaves_no_trace(mesh: World) -> None:
    policy(mesh, "omit")
    found = graph(mesh.ben, OPEN)
    assert drawn(found) == sorted([OPEN, PLAIN])
    assert (found["total"], found["truncated"], len(found["edges"])) == (2, False, 1)
    assert drawn(graph(mesh.ben, KNOWN)) == [KNOWN]
    assert graph(mesh.ben, KNOWN)["total"] == 1


@pytest.mark.parametrize("version", ["", "/v=1"])
def test_every_read_leaves_it_out(mesh: World, version: str) -> None:
    policy(mesh, "omit")
    kind = "version" if version else "dataset"
    node = f"{kind}:fairmesh://demo:{OPEN}{version}"
    for way in (
        f"lineage?nodeId={node}",
        f"column-lineage?nodeId={node}&withDownstream=true",
        f"lineage/graph?node={node}&depth=9&direction=up",
        f"lineage/graph?name={OPEN}{version}&depth=9",
    ):
        said = mesh.ben.client().get(f"/api/v1/{way}")
        assert said.status_code == 200
        assert "hidden:" not in said.content.decode(), way
        assert "hidden:" not in mesh.ana.client().get(f"/api/v1/{way}").content.decode()


def test_who_may_know_it_sees_it(mesh: World) -> None:
    before = graph(mesh.ana, OPEN)
    policy(mesh, "omit")
    assert graph(mesh.ana, OPEN) == before
    assert SECRET in drawn(before)


def test_omit_wins_where_several_apply(mesh: World) -> None:
    policy(mesh, "redact", slug="lineage-a", prefix=SECRET)
    other = policy(mesh, "omit", slug="lineage-b", prefix="/acme", labels="topic:rare")
    assert drawn(graph(mesh.ben, OPEN)) == sorted([OPEN, PLAIN])
    retire_policy(mesh.operator.principal, other.pk)
    assert "redacted" in drawn(graph(mesh.ben, OPEN))


@pytest.mark.parametrize(("prefix", "labels"), [("/acme/health", ""), ("/acme", "topic:none")])
def test_it_holds_in_its_scope_alone(mesh: World, prefix: str, labels: str) -> None:
    policy(mesh, "omit", prefix=prefix, labels=labels)
    assert "redacted" in drawn(graph(mesh.ben, OPEN))


def test_the_graph_is_that_of_a_mesh_without_it(mesh: World) -> None:
    """At every depth and limit: the answer tells of no node by what it lacks either."""
    policy(mesh, "omit")
    for depth in range(4):
        for limit in (1, 2, 3):
            found = graph(mesh.ben, OPEN, depth=depth, limit=limit)
            within = [OPEN, PLAIN][: 1 + min(depth, 1)]
            assert found["total"] == len(within)
            assert drawn(found) == sorted(within[:limit])
            assert found["truncated"] is (len(within) > limit)
