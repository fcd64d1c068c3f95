"""What is asked at every turn is answered as the queryset would be, on every database."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.models import OutboxEvent
from core.prepared import Prepared

pytestmark = pytest.mark.django_db
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
Rows = QuerySet[OutboxEvent, tuple[Any, ...]]


def of_topics(*topics: str) -> Rows:
    rows = OutboxEvent.objects.filter(topic__in=topics).order_by("id")
    return rows.values_list("id", "topic", "payload", "created_at")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.lists(TEXTS, unique=True, max_size=4), st.lists(TEXTS, max_size=3))
def test_for_any_texts_in_any_number(kept: list[str], asked: list[str]) -> None:
    OutboxEvent.objects.all().delete()
    for number, text in enumerate(kept):
        OutboxEvent.objects.create(topic=text, payload={"n": [number, text]})
    prepared = Prepared(of_topics)
    for texts in filter(None, (kept, asked, [*kept, *asked], kept[:1])):
        told, expected = prepared(*dict.fromkeys(texts)), list(of_topics(*texts))
        assert told == expected
        assert [[type(value) for value in row] for row in told] == [
            [type(value) for value in row] for row in expected
        ]


def test_it_is_one_question_each_time_and_written_once() -> None:
    written = []

    def ask(kind: str) -> Rows:
        written.append(kind)
        return OutboxEvent.objects.filter(topic=kind).values_list("id")

    prepared = Prepared(ask)
    with CaptureQueriesContext(connection) as asked:
        assert [prepared("%s"), prepared("it's"), prepared('"')] == [[], [], []]
    assert (len(asked), len(written)) == (3, 1)
    assert "it's" in asked[1]["sql"].replace("''", "'")


@pytest.mark.parametrize(
    "ask",
    [
        lambda kind: OutboxEvent.objects.filter(topic__startswith=kind).values_list("id"),
        lambda kind: OutboxEvent.objects.values_list("id"),
        lambda kind: OutboxEvent.objects.filter(topic=kind).exclude(topic=kind).values_list("id"),
    ],
    ids=["looks at it", "asks for nothing", "compares it twice"],
)
def test_a_question_that_cannot_be_prepared_is_refused(ask: Any) -> None:
    with pytest.raises(TypeError, match="compared once"):
        Prepared(ask)("a")
