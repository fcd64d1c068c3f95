"""What the console has to show: one of each, made by services as people would make them."""

from __future__ import annotations

from dataclasses import dataclass

from governance.models import Policy
from governance.services import request_access
from governance.services.breakglass import break_glass
from governance.services.policy_lifecycle import draft_policy, propose_draft, validate_draft
from governance.services.sequencer import sequence
from governance.services.simulation import simulate_policy
from tests.builders import World, deliver
from tests.e2e.portal import SECRET, TOKENS
from tests.governance.scanning import work

PEOPLE, CHILD = "/acme/nlp/~/people", "/acme/nlp/~/letters"
GUEST = """\
@id("ben-reads-tokens")
@reason("Ben helps with the tokens.")
permit (
  principal == User::"ben",
  action == Action::"read",
  resource == Product::"/acme/nlp/~/tokens"
);
"""
GUEST_COUNTS = GUEST.replace("helps with", "counts")
TEST = {
    "principal": {"id": "ben"},
    "action": "read",
    "resource": {"name": TOKENS},
    "expect": "allow",
}
MAILS = b"mail,city\n" + b"".join(b"a%d@example.org,Porto\n" % n for n in range(20))


@dataclass(frozen=True)
class Governed:
    """The mesh with a request, a broken glass, a proposed policy and a scanned product."""

    world: World
    policy: Policy


def propose_guest(world: World) -> Policy:
    """Have Operator write, check and propose a policy that lets Ben read TOKENS."""
    by = world.operator.principal
    drafted = draft_policy(by, kind="access", slug="guests", text=GUEST, tests=[TEST])
    validate_draft(by, drafted.pk)
    simulate_policy(by, drafted.pk)
    return propose_draft(by, drafted.pk)


def draft_again(made: Governed) -> Policy:
    """Have Operator draft the next version of the proposed policy."""
    by = made.world.operator.principal
    return draft_policy(by, kind="access", slug="guests", text=GUEST_COUNTS)


def ask_for_tokens(world: World) -> None:
    """Have Ben ask for TOKENS."""
    ben = world.ben
    request_access(
        ben.user, ben.principal, name=TOKENS, purpose="analytics", reason="To count.", days=30
    )


def break_patients(world: World) -> None:
    """Have Operator break the glass on SECRET, whose owner is Carla."""
    operator = world.operator
    break_glass(
        operator.user,
        operator.principal,
        name=SECRET,
        purpose="operations",
        reason="The ward asks who was here.",
        hours=1,
    )


def publish_people(world: World) -> None:
    """Publish PEOPLE, in whose rows a scan finds addresses, and CHILD, which was made of it."""
    world.add_product(PEOPLE, access="open")
    world.publish(PEOPLE, {"people.csv": MAILS}, "store-eu")
    work()
    world.add_product(CHILD, access="open")
    world.publish(CHILD, {"letters.csv": b"n\n1\n"}, "store-eu", inputs=[f"{PEOPLE}/v=1"])
    deliver()
    work()


def govern(world: World) -> Governed:
    """Make one of each."""
    ask_for_tokens(world)
    break_patients(world)
    policy = propose_guest(world)
    publish_people(world)
    sequence()
    return Governed(world, policy)
