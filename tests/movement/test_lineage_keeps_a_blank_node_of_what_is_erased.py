"""An erased version stays in the graph, blank; what it led to is still found through it."""

from __future__ import annotations

from django.utils import timezone

from lineage.models import Edge, Node
from lineage.reach import reach
from tests.builders import World, deliver
from tests.movement.conftest import WIKI
from tests.movement.erasing import erase, get, propose

FILES = {"a.csv": b"secret_column\n1\n"}
MIDDLE, LAST = "/acme/nlp/~/middle", "/acme/nlp/~/last"


def chain(world: World) -> list[str]:
    """Publish WIKI, MIDDLE of it and LAST of that; return the names of the versions."""
    names: list[str] = []
    for product in (WIKI, MIDDLE, LAST):
        if product != WIKI:
            world.add_product(product)
        version = world.publish(product, FILES, store="dir-eu", inputs=names[-1:])
        names.append(version.name)
    deliver()
    return names


def node(version: str) -> Node:
    product, _, number = version.rpartition("/")
    return Node.objects.get(kind="version", name=product, part=number)


def test_its_node_tells_no_columns_and_its_past_stays(folders: World) -> None:
    first, middle, last = chain(folders)
    before = timezone.now()
    assert "secret_column" in str(node(middle).attrs)
    erase(folders, middle)
    assert node(middle).attrs == {"erased": True}
    past = get(folders.ana, f"lineage/graph?name={LAST}/v=1&as_of={before.isoformat()[:-6]}Z")
    assert middle in str(past)
    assert Edge.objects.filter(src=node(first), dst=node(middle)).exists()
    assert last in reach([middle]).versions


def test_an_order_on_the_first_finds_the_last_through_what_is_erased(folders: World) -> None:
    first, middle, last = chain(folders)
    erase(folders, middle)
    order = propose(folders.ana, first, cascade="derived")
    reached = {row["version"]: row["does"] for row in order["plan"]["versions"]}
    assert reached == {first: "erase", last: "erase"}


def test_edges_close_once_nothing_below_holds_content(folders: World) -> None:
    first, middle, last = chain(folders)
    erase(folders, middle)
    assert Edge.objects.live().filter(dst=node(last)).exists()
    erase(folders, last)
    assert not Edge.objects.live().filter(kind="derives", dst=node(last)).exists()
    assert not Edge.objects.live().filter(kind="derives", src=node(first)).exists()
    assert Edge.objects.filter(kind="derives", dst=node(last)).exists()
    assert node(first).attrs != {"erased": True}


def test_a_whole_chain_goes_at_once(folders: World) -> None:
    first, middle, last = chain(folders)
    assert erase(folders, first, cascade="derived")["state"] == "done"
    assert [node(name).attrs for name in (first, middle, last)] == [{"erased": True}] * 3
    versions = Edge.objects.live().filter(src__kind="version", dst__kind="version")
    assert not versions.exists()
