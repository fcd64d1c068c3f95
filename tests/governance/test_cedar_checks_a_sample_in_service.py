"""Where the compiled policies and Cedar differ, the answer is no and the operators are told."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from catalog.models import Product
from catalog.selectors import product_resource
from core.errors import PolicyDenied
from governance import shadow
from governance.engine import closures
from governance.engine.entities import Action, Resource, Situation
from governance.models import AuditEntry
from governance.selectors import access_policies
from governance.services import decide, require
from tests.builders import World
from tests.governance.conftest import OPEN

pytestmark = pytest.mark.django_db


@pytest.fixture
def broken(world: World) -> Iterator[Resource]:
    """A compiler that lets a rule say too much: `open-data-is-read` is met by everything."""
    resource = product_resource(Product.objects.select_related("domain__team").get(name=OPEN))
    closed = replace(resource, access="request")
    rules = access_policies().program.slice(
        world.ben.principal, Action.READ, "Product", Situation()
    )
    (rule,) = (rule for rule in rules.rules if rule.policy == "open-data-is-read")
    place = rules._anywhere.index(rule)
    rules._anywhere[place] = replace(rule, read=lambda _: True, wanted=closures.TRUE)
    rules._verdicts.clear()
    yield closed
    rules._anywhere[place] = rule
    rules._verdicts.clear()


def test_a_mismatch_denies_and_alarms(
    world: World, broken: Resource, caplog: pytest.LogCaptureFixture
) -> None:
    before = shadow._MISMATCHES._value.get()
    with caplog.at_level(logging.CRITICAL, logger="governance.shadow"):
        answer = decide(world.ben.principal, Action.READ, broken)
    assert (answer.allow, answer.policies) == (False, (shadow.MISMATCH,))
    assert shadow._MISMATCHES._value.get() == before + 1
    assert "compiled True by ['open-data-is-read'], Cedar False by []" in caplog.text


def test_the_refusal_says_so(world: World, broken: Resource) -> None:
    with pytest.raises(PolicyDenied, match="Two readings of the policies disagree"):
        require(world.ben.principal, Action.READ, broken)
    assert not AuditEntry.objects.filter(action="read", allowed=True).exists()


def test_outside_the_sample_cedar_is_not_asked(
    world: World, broken: Resource, settings: Any
) -> None:
    settings.FAIRMESH = replace(settings.FAIRMESH, shadow_rate=0.0)
    before = shadow._CHECKED._value.get()
    assert decide(world.ben.principal, Action.READ, broken).allow, "so the fixture does break it"
    assert shadow._CHECKED._value.get() == before
