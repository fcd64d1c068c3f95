"""By chance: policies with masks, row filters and purposes, and reads over every route that gives
bytes or rows. No forbidden value is in any answer, its headers and its problem among them.

Every cell holds a word of its own, so a word in an answer tells which cell it was. What may be seen
is worked out here by the naive reading of docs/explanation/algorithms/obligations.md.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from catalog.models import Version
from governance.engine.obligations import MaskKind
from governance.services import save_policy
from tests.builders import World, body_of, build_world
from tests.transforms.mesh import drive
from transforms.models import Run

BOOK, OUT = "/acme/nlp/~/book", "/acme/nlp/~/out"
COLUMNS = ("email", "note", "plain")
GROUPS = ("aa", "ab", "b", None)
BROKEN = "wbroken-line"
PURPOSES = ("", "analytics", "evaluation", "rubbish")
FILES = ("a.csv", "b.parquet", "c.jsonl", "t.txt")
KINDS = [str(kind) for kind in MaskKind if kind != "bucket"] + ["bucket:10"]


def word(row: int, column: str) -> str:
    return f"w{row}{column}-secret"


ROWS = [
    {"group": group, **{column: word(row, column) for column in COLUMNS}}
    for row, group in enumerate(GROUPS)
]


@dataclass(frozen=True)
class Permit:
    """One permit to read, and what it obliges to."""

    masks: dict[str, str]
    group: str | None
    """Rows of this group alone; None for all."""
    purposes: frozenset[str] | None

    def text(self, number: int) -> str:
        notes = [f'@id("p{number}")', '@reason("By chance.")']
        if self.masks:
            told = "; ".join(f"{column}={kind}" for column, kind in self.masks.items())
            notes.append(f'@mask("{told}")')
        if self.group is not None:
            condition = f'resource.group == "{self.group}"'
            notes.append(f"@rows({json.dumps(condition)})")
        if self.purposes is not None:
            notes.append(f'@purpose("{", ".join(sorted(self.purposes))}")')
        head = (
            'permit (principal == User::"ben", action in [Action::"read", Action::"transform"],\n'
            f'  resource == Product::"{BOOK}");'
        )
        return "\n".join([*notes, head])


@dataclass(frozen=True)
class Case:
    permits: list[Permit]
    forbidden_for: str
    """The purpose for which a forbid stands against reading; empty for none."""
    purpose: str

    def text(self) -> str:
        texts = [permit.text(number) for number, permit in enumerate(self.permits)]
        if self.forbidden_for:
            texts.append(
                '@id("f") @reason("No.") forbid (principal, action == Action::"read", '
                "resource is Product)\n"
                f'when {{ context.purpose == "{self.forbidden_for}" }};'
            )
        return "\n".join(texts)

    @property
    def readable(self) -> bool:
        admitted = all(p.purposes is None or self.purpose in p.purposes for p in self.permits)
        return bool(self.permits) and admitted and self.purpose != (self.forbidden_for or None)

    @property
    def whole(self) -> bool:
        """Everything may be seen: bytes, and what is no table."""
        free = all(not permit.masks for permit in self.permits)
        return self.readable and free and any(permit.group is None for permit in self.permits)

    def seen(self) -> set[str]:
        """Return the words that Ben may see."""
        if not self.readable:
            return set()
        masked = {column for permit in self.permits for column in permit.masks}
        rows = [
            number
            for number, group in enumerate(GROUPS)
            if any(permit.group in {None, group} for permit in self.permits)
        ]
        return {word(row, column) for row in rows for column in COLUMNS if column not in masked}

    def hidden(self) -> set[str]:
        every = {word(row, column) for row in range(len(ROWS)) for column in COLUMNS}
        other = set() if self.whole else {"wtext-secret"}
        return (every - self.seen()) | other


CASES = st.builds(
    Case,
    permits=st.lists(
        st.builds(
            Permit,
            masks=st.dictionaries(st.sampled_from(COLUMNS), st.sampled_from(KINDS), max_size=2),
            group=st.sampled_from([None, None, "aa", "b"]),
            purposes=st.none() | st.frozensets(st.sampled_from(PURPOSES[1:3]), min_size=1),
        ),
        max_size=2,
    ),
    forbidden_for=st.sampled_from(["", "", "analytics"]),
    purpose=st.sampled_from(PURPOSES),
)


def files() -> dict[str, bytes]:
    sink = io.BytesIO()
    described = pa.Table.from_pylist(ROWS).replace_schema_metadata({"example": word(0, "email")})
    pq.write_table(described, sink)
    names = ("group", *COLUMNS)
    lines = [",".join(names), *(",".join(row[name] or "" for name in names) for row in ROWS)]
    return {
        "a.csv": "\n".join(lines).encode(),
        "b.parquet": sink.getvalue(),
        "c.jsonl": "".join(json.dumps(row) + "\n" for row in ROWS).encode(),
        "t.txt": b"wtext-secret",
    }


@pytest.fixture
def world(db: None, settings: Any, tmp_path: Path) -> World:
    """BOOK v=1 in every format; v=2 with a broken line, which a run of its owner set aside."""
    world = build_world(settings, tmp_path)
    settings.FAIRMESH = replace(settings.FAIRMESH, shadow_rate=0.0)
    world.add_site("core", "core", ["EU"])
    world.add_directory("store", "core")
    world.add_product(BOOK, description="A book")
    world.add_product(OUT)
    broken = f'{{"group": "aa", "email": "{BROKEN}\n'.encode()
    world.publish(BOOK, {"a.jsonl": files()["c.jsonl"] + broken})
    spec = {
        "version": 1,
        "inputs": [{"name": BOOK}],
        "steps": [{"filter": {"where": [{"column": "plain", "min_chars": 1}]}}],
        "output": {"name": OUT},
    }
    client = world.ana.client()
    made = client.post("/api/v1/pipelines", {"name": "p", "spec": spec}, "application/json")
    client.post(f"/api/v1/pipelines/{made.json()['id']}/run", {}, "application/json")
    assert drive(Run.objects.get()).state == "done"
    world.publish(BOOK, files())
    return world


def routes(world: World, client: Client, purpose: str) -> Iterator[tuple[str, Any]]:
    """Yield the answer of every route that gives bytes or rows, and of some that quote none."""
    first, last = Version.objects.filter(product__name=BOOK).order_by("number")
    at, run = f"/api/v1/versions/{last.pk}", Run.objects.get()
    stated = {"purpose": purpose} if purpose else {}

    def get(way: str, *accepts: str, **query: Any) -> Iterator[tuple[str, Any]]:
        for accept in accepts or ("*/*",):
            answer = client.get(way, {**stated, **query}, headers={"Accept": accept})
            yield f"{way} {accept} {query}", answer

    rows = ("*/*", "application/jsonl")
    yield from get(f"{at}/preview")
    yield from get(f"{at}/preview", rows=1)
    yield from get(f"/api/v1/versions/{first.pk}/preview")
    for path in FILES:
        yield from get(f"{at}/content/{path}")
        yield from get(f"{at}/rows/{path}", *rows)
        yield from get("/api/v1/rows", name=f"{BOOK}/v=2/{path}")
    yield from get(f"{at}/rows/a.csv", *rows, columns="email,plain", limit=2)
    yield from get(f"{at}/rows/a.csv", columns="absent")
    ranged = client.get(f"{at}/content/a.csv", stated, headers={"Range": "bytes=20-400"})
    yield "range", ranged
    yield from get(f"/api/v1/versions/{first.pk}/rows/a.jsonl", *rows)
    yield from get("/api/v1/rows", *rows, name=BOOK)
    yield from get("/api/v1/resolve", name=BOOK)
    found = client.get("/api/v1/resolve", {"name": BOOK, **stated})
    if found.status_code == 200:
        for file in found.json()["results"]:
            for url in [*file["urls"], file["rows_url"]]:
                if url:
                    yield f"signed {file['path']}", Client().get(url)
    yield from get(f"/api/v1/runs/{run.pk}/quarantine")
    for verb in ("plan", "sample", "run"):
        way = f"/api/v1/pipelines/{run.pipeline_id}/{verb}"
        yield way, client.post(way, stated, "application/json")
    for verb in ("check", "plan", "sample"):
        document = {"spec": run.pipeline.spec, **stated}
        yield verb, client.post(f"/api/v1/pipelines/{verb}", document, "application/json")
    for way in ("", "/files", "/seal"):
        yield from get(at + way)
    for q in ("secret", "book", word(0, "note")):
        yield from get("/api/v1/search/suggest", q=q[:5])
        yield from get("/api/v1/search", q=q[:5])
    yield from get("/api/v1/lineage/graph", name=BOOK)
    yield from get("/api/v1/labels", name=BOOK)
    yield from get("/api/v1/scans", name=BOOK)
    for ending in ("", ".jsonld", ".json"):
        yield from get(f"/n{BOOK}/v=2{ending}")


def test_no_forbidden_value_is_in_any_answer_of_any_route(world: World) -> None:
    client = world.ben.client()
    statuses: set[int] = set()
    came_through: set[str] = set()

    @settings(
        max_examples=12,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=[*HealthCheck],
    )
    @given(CASES)
    def ask(case: Case) -> None:
        hidden, seen, told = case.hidden(), case.seen(), set()
        with transaction.atomic():
            if text := case.text():
                save_policy(world.operator.principal, kind="access", slug="chance", text=text)
            for way, answer in routes(world, client, case.purpose):
                said = body_of(answer).decode(errors="replace") + str(dict(answer.headers))
                assert answer.status_code < 500, (way, said)
                found = {each for each in hidden if each in said and each not in way}
                assert found == set(), (way, answer.status_code, case.text())
                assert case.whole or BROKEN not in said, (way, case.text())
                told |= {each for each in seen if each in said}
                statuses.add(answer.status_code)
            transaction.set_rollback(True)
        assert told == seen, "what may be told is told"
        came_through.update(told)

    ask()
    assert {200, 403} <= statuses
    assert came_through, "the policies let something through"


def test_the_routes_would_show_them(world: World) -> None:
    """To the owner every word is shown, and what a run had set aside."""
    said = "".join(
        body_of(answer).decode(errors="replace")
        for _, answer in routes(world, world.ana.client(), "")
    )
    for each in (*Case([], "", "").hidden(), BROKEN):
        assert each in said
