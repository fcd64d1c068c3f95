"""Labelled sentences: the templates and fake people that presidio-evaluator ships, filled in.

The package's own generator needs spaCy, transformers and pandas for the rest of its work; its data
need none of it. So they are read from where the package lies, without importing it, and what its
table of people does not hold (account, social security and card numbers, addresses) is Faker's,
as in the original. The same seed gives the same sentences.
"""

from __future__ import annotations

import csv
import random
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from faker import Faker

_HOLE = re.compile(r"\{\{(\w+)\}\}")
_COLUMNS = {
    "first_name": "GivenName", "last_name": "Surname", "city": "City", "country": "CountryFull",
    "phone_number": "TelephoneNumber", "email": "EmailAddress", "street_name": "StreetAddress",
    "job": "Occupation", "organization": "Company", "zipcode": "ZipCode", "postcode": "ZipCode",
    "url": "Domain", "age": "Age", "date_of_birth": "Birthday",
}  # fmt: skip
_FAKED = {
    "iban": "iban", "ssn": "ssn", "credit_card_number": "credit_card_number",
    "ip_address": "ipv4", "date_time": "date_time", "year": "year", "day_of_week": "day_of_week",
    "prefix": "prefix", "prefix_male": "prefix_male", "prefix_female": "prefix_female",
    "secondary_address": "secondary_address", "building_number": "building_number",
    "state_abbr": "state_abbr",
}  # fmt: skip


def data_folder() -> Path:
    """Return where presidio-evaluator keeps its templates and people."""
    found = find_spec("presidio_evaluator")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "data_generator" / "raw_data"


def sentences(count: int, seed: int = 1) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield sentences, each with the kinds of values that were put into it."""
    faker, chance = Faker("en_US"), random.Random(seed)
    faker.seed_instance(seed)
    folder = data_folder()
    with (folder / "FakeNameGenerator.com_3000.csv").open(encoding="utf-8-sig") as people:
        rows = list(csv.DictReader(people))
    lines = (folder / "templates.txt").read_text().splitlines()
    templates = [line.replace("\\n", "\n") for line in lines]
    for _ in range(count):
        template, person = chance.choice(templates), chance.choice(rows)
        kinds = frozenset(_HOLE.findall(template))
        yield _HOLE.sub(lambda hole: _value(hole[1], person, faker), template), kinds  # noqa: B023


def _value(kind: str, person: dict[str, str], faker: Faker) -> str:
    if kind in _COLUMNS:
        return person[_COLUMNS[kind]]
    if kind in _FAKED:
        return str(getattr(faker, _FAKED[kind])())
    if kind == "address":
        return f"{person['StreetAddress']}, {person['City']}, {person['ZipCode']}"
    if kind == "us_driver_license":
        return faker.bothify("?#######").upper()
    return f"{person['GivenName']} {person['Surname']}"
