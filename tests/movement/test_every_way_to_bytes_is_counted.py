"""Who was given bytes or rows, or where to fetch them, is counted; who was refused is not."""

from __future__ import annotations

import pytest

from catalog.models import Version
from governance.models import ReadMeter
from governance.selectors import last_read
from tests.builders import Person, World, body_of
from tests.movement.conftest import PATIENTS, WIKI

CSV = b"name,age\nada,36\n"


@pytest.fixture
def published(folders: World) -> dict[str, Version]:
    return {name: folders.publish(name, {"a.csv": CSV}) for name in (WIKI, PATIENTS)}


def ways(version: Version) -> list[str]:
    at = f"/api/v1/versions/{version.pk}"
    return [
        f"/api/v1/resolve?name={version.name}",
        f"{at}/preview",
        f"{at}/content/a.csv",
        f"{at}/rows/a.csv",
        f"/api/v1/rows?name={version.name}",
    ]


def reads(who: Person) -> int:
    return sum(
        ReadMeter.objects.filter(principal=who.user.username).values_list("reads", flat=True)
    )


@pytest.mark.parametrize("way", range(5))
def test_a_read_is_counted_once(way: int, folders: World, published: dict[str, Version]) -> None:
    answer = folders.ben.client().get(ways(published[WIKI])[way])
    assert answer.status_code == 200, body_of(answer)
    body_of(answer)
    meter = ReadMeter.objects.get(principal="ben")
    assert (meter.action, meter.name, meter.reads) == ("read", WIKI, 1)
    assert last_read("ben", WIKI) == meter.last_at


@pytest.mark.parametrize("way", range(5))
def test_a_refused_read_is_no_read(way: int, folders: World, published: dict[str, Version]) -> None:
    assert folders.ben.client().get(ways(published[PATIENTS])[way]).status_code == 403
    assert reads(folders.ben) == 0
    folders.grant(folders.ben, PATIENTS)
    answer = folders.ben.client().get(ways(published[PATIENTS])[way])
    assert answer.status_code == 200
    body_of(answer)
    assert reads(folders.ben) == 1
