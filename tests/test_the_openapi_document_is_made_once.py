"""The OpenAPI document of the API: the one of the docs, in both formats, without making it anew."""

from __future__ import annotations

from time import process_time

import pytest
import yaml
from django.conf import settings as django_settings
from django.test import Client

# the ranges of its whole numbers are those of the database: the docs have those of SQLite
pytestmark = [pytest.mark.django_db, pytest.mark.looks]


def test_it_is_that_of_the_docs_in_both_formats() -> None:
    kept = (django_settings.BASE_DIR / "docs" / "reference" / "openapi.yaml").read_text()
    answer = Client().get("/api/v1/schema")
    assert answer.content.decode() == kept
    assert answer["Content-Type"].startswith("application/vnd.oai.openapi")
    told = Client().get("/api/v1/schema", headers={"Accept": "application/json"})
    assert told["Content-Type"].startswith("application/json")
    assert told.json() == yaml.safe_load(kept)


def test_it_is_not_made_for_each_who_asks() -> None:
    Client().get("/api/v1/schema")
    before = process_time()
    answers = {Client().get("/api/v1/schema").content for _ in range(20)}
    assert len(answers) == 1
    assert process_time() - before < 1.0, "20 answers cost less than to make it once"
