"""What becomes of a version is one pure decision, the same as a plain table of its rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from movement.engine.erasing import Case, Does, Relation, judge

NOW = datetime(2026, 6, 1, tzinfo=UTC)
cases = st.builds(
    Case,
    relation=st.sampled_from(Relation),
    cascade=st.booleans(),
    agreed=st.booleans(),
    held=st.booleans(),
    kept_until=st.sampled_from([None, NOW - timedelta(days=1), NOW, NOW + timedelta(days=1)]),
)


@given(cases)
def test_nothing_is_erased_but_what_is_asked_agreed_and_free(case: Case) -> None:
    asked = case.relation is Relation.SUBJECT or case.cascade
    young = case.kept_until is not None and case.kept_until > NOW
    free = asked and case.agreed and not case.held and not young
    verdict = judge(case, NOW)
    assert (verdict.does is Does.ERASE) == free
    assert bool(verdict.code) != free
    if asked and case.agreed and case.held:
        assert verdict.code == "under_legal_hold"
    assert verdict.does is not Does.BLOCK or case.relation is Relation.SUBJECT
