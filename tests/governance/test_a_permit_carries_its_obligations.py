"""Masks, row filters, purposes and watermarks ride on permits; the strictest holds."""

from __future__ import annotations

import pytest

from core.errors import InvalidSpec
from governance.engine import decision
from governance.engine.conditions import Begins, Compares, Equals, Order, Some
from governance.engine.entities import Action, Decision, Principal, Resource, Situation
from governance.engine.obligations import NONE, Mask, MaskKind
from governance.engine.policyset import check_pushable, policy_set
from governance.engine.residual import Unpushable
from governance.selectors import schema_text
from governance.services.policy_checks import LISTED

WIKI = Resource("Product", "/acme/~/wiki", "acme", visibility="mesh")
MEMBER = Principal("ben", frozenset({"members"}), teams=frozenset({"de"}))


def decided(text: str, principal: Principal = MEMBER, purpose: str = "") -> Decision:
    known = policy_set(text, schema_text())
    check_pushable(known.policies, LISTED)
    return decision.decide(known, principal, Action.READ, WIKI, Situation(purpose))


def permit(name: str, annotations: str, whom: str = "principal") -> str:
    return f'@id("{name}") {annotations} permit ({whom}, action, resource is Product);\n'


def test_a_permit_without_annotations_obliges_to_nothing() -> None:
    assert decided(permit("plain", "")).obligations is NONE


def test_annotations_become_obligations() -> None:
    found = decided(
        permit(
            "careful",
            '@mask("email=hash; [pii:phone]=redact; age=bucket:10") '
            '@rows("resource.country == \\"DE\\" && resource.age >= 18") '
            '@purpose("analytics, evaluation") @watermark("internal")',
        )
    ).obligations
    assert found.masks == {
        "email": Mask(MaskKind.HASH),
        "[pii:phone]": Mask(MaskKind.REDACT),
        "age": Mask(MaskKind.BUCKET, 10),
    }
    assert found.rows != NONE.rows
    assert found.purposes == frozenset({"analytics", "evaluation"})
    assert found.watermarks == ("internal",)
    assert found.rewrite


def test_the_strictest_mask_wins_and_row_filters_are_alternatives() -> None:
    found = decided(
        permit("a", '@mask("x=last4; y=year; z=bucket:5") @rows("resource.k == 1")')
        + permit("b", '@mask("x=hash; y=month; z=bucket:50") @rows("resource.k == 2")')
    ).obligations
    assert found.masks == {
        "x": Mask(MaskKind.HASH),
        "y": Mask(MaskKind.YEAR),
        "z": Mask(MaskKind.BUCKET, 50),
    }
    assert found.rows == Some((Equals("k", 1), Equals("k", 2)))


def test_one_permit_without_a_filter_lets_every_row_pass() -> None:
    text = permit("a", '@rows("resource.k == 1")') + permit("b", "")
    assert decided(text).obligations.rows is True


def test_a_permit_that_is_not_met_obliges_to_nothing() -> None:
    text = permit("mine", "") + permit("theirs", '@mask("x=null")', 'principal in Team::"fr"')
    assert not decided(text).obligations.rewrite


@pytest.mark.parametrize(
    ("filter_text", "condition"),
    [
        ('resource.name like "A*"', Begins("name", "A")),
        ("18 <= resource.age", Compares("age", Order.AT_LEAST, 18)),
        ('principal in Team::"de" || resource.open', True),
        ('principal in Team::"fr" && resource.open', False),
        ("resource.purpose == context.purpose", Equals("purpose", "analytics")),
    ],
)
def test_what_is_known_is_put_into_a_row_filter(filter_text: str, condition: object) -> None:
    escaped = filter_text.replace('"', '\\"')
    assert decided(permit("p", f'@rows("{escaped}")'), purpose="analytics").obligations.rows == (
        condition
    )


@pytest.mark.parametrize(
    ("annotation", "told"),
    [
        ('@mask("email")', "email"),
        ('@mask("email=blur")', "blur"),
        ('@mask("age=bucket")', "bucket"),
        ('@rows("resource.country ==")', "does not parse"),
        ('@purpose("fun")', "fun"),
        ('@masks("email=hash")', "@masks is not known"),
    ],
)
def test_a_wrong_annotation_is_refused_with_its_policy(annotation: str, told: str) -> None:
    with pytest.raises(InvalidSpec, match=told) as caught:
        decided(permit("mine", annotation))
    assert caught.value.extra["errors"][0]["where"] == "mine"


def test_a_row_filter_that_no_engine_can_run_is_refused() -> None:
    with pytest.raises(Unpushable, match="mine"):
        decided(permit("mine", '@rows("resource.a == resource.b")'))


def test_a_forbid_carries_no_obligation() -> None:
    text = '@id("no") @mask("x=null") forbid (principal, action, resource is Product);'
    with pytest.raises(InvalidSpec, match="permit only"):
        decided(text)


def test_an_agent_is_kept_to_both_obligations() -> None:
    known = policy_set(
        permit("agents", '@mask("x=last4") @rows("resource.k == 1")', 'principal in Group::"bots"')
        + permit("people", '@mask("x=hash") @rows("resource.k == 2")', 'principal in Group::"m"'),
        schema_text(),
    )
    person = Principal("ben", frozenset({"m"}))
    agent = Principal("bot", frozenset({"bots"}), kind="agent", on_behalf_of=person)
    own, behind = (
        decision.decide(known, who, Action.READ, WIKI, Situation()) for who in (agent, person)
    )
    found = decision.both(own, behind, "ben")
    assert found.allow
    assert found.policies == ("agents", "people")
    assert found.obligations.masks == {"x": Mask(MaskKind.HASH)}
    assert "Equals(attribute='k', value=1)" in repr(found.obligations.rows)
    assert "Equals(attribute='k', value=2)" in repr(found.obligations.rows)
    assert type(found.obligations.rows).__name__ == "All"
