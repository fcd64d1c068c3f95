"""The main job, chapter by chapter: publish, protect, transform, find, ask, fetch, verify."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copy2
from typing import Any

from fairmesh.errors import Denied, NotFound
from fairmesh.waiting import wait_until
from rich.console import Console

from demo import data
from demo.corpus import corpus
from demo.report import Report
from demo.setting import (
    AT_THE_EDGE,
    PATIENT_LABEL,
    STORE_EDGE,
    STORE_US,
    Cast,
    ensure_policy,
)

Json = dict[str, Any]
CODE, TOKENS = "/acme/nlp/~/code", "/acme/nlp/~/code-tokens"
GAPMINDER = "/acme/science/~/gapminder"
PATIENTS = f"/acme/health/~/{data.PATIENTS}"
PIPELINE = "code-to-tokens"
RUN_SECONDS, MOVE_SECONDS = 600.0, 300.0
UPLOADERS = 4
STEPS: list[Json] = [
    {"normalise": {"column": "text", "form": "NFC"}},
    {
        "filter": {
            "where": [
                {"column": "text", "min_chars": 200, "reason": "too short"},
                {"column": "text", "max_chars": 400_000, "reason": "too long"},
                {"column": "text", "min_letter_share": 0.25, "reason": "not prose or code"},
            ]
        }
    },
    {"dedup_exact": {"columns": ["text"]}},
    {"select": {"columns": ["text"]}},
    {"tokenise": {"column": "text", "tokenizer": "deepseek"}},
    {"pack": {"length": 2048}},
]


@dataclass
class Story:
    """The cast, where the data lies, and the report as far as it is written."""

    cast: Cast
    folder: Path
    console: Console
    report: Report = field(default_factory=Report)

    def chapter(self, title: str, tell: Callable[[], None]) -> None:
        """Tell one chapter and note how long it took."""
        self.console.print(f"[bold]{title}[/bold] …")
        began = time.monotonic()
        tell()
        spent = round(time.monotonic() - began, 2)
        self.report.chapters.append({"chapter": title, "seconds": spent})
        self.console.print(f"  {spent:.1f} s")


def publish_tables(story: Story) -> None:
    """Publish every table that has no version yet, four at a time."""
    tables = data.tables(story.folder / "tables")
    with ThreadPoolExecutor(UPLOADERS) as pool:
        list(pool.map(lambda table: _publish_table(story, table), tables))


def _publish_table(story: Story, table: data.Table) -> None:
    owner = story.cast.owner_of(table.domain).mesh
    try:
        found = owner.product(table.name)
    except NotFound:
        found = owner.create_product(
            table.name,
            table.title,
            description=table.description,
            keywords=table.keywords,
            license=data.LICENSE,
            intended_use="Teaching and method development.",
            visibility="public" if table.domain == "science" else "mesh",
            access="request" if table.domain == "health" else "open",
        )
    if table.name == PATIENTS and not found["labels"]:
        owner.add_label(table.name, PATIENT_LABEL)  # before the first byte: policies see it at once
    if found["latest"] is None:
        owner.publish(table.name, [table.folder])


def publish_corpus(story: Story) -> None:
    """Publish the source code corpus by the command; only its team may know that it is there."""
    ana = story.cast.ana
    made = corpus(story.folder / "code")
    _ensure_product(
        story,
        CODE,
        "Python source code",
        "Source files of the Python standard library and of installed packages, one a row, with "
        f"the licence of each. {made.broken} lines are broken on purpose.",
        visibility="team",
    )
    ana.say("publish", CODE, str(made.folder), "--if-changed", "--json")


def register_where_it_lies(story: Story) -> None:
    """Register objects that are in a store already; nothing is moved to publish them."""
    ana = story.cast.ana
    _ensure_product(
        story,
        GAPMINDER,
        "Gapminder",
        "Life expectancy, population and GDP per capita by country, from the R package gapminder.",
        visibility="public",
        access="open",
    )
    if ana.mesh.product(GAPMINDER)["latest"] is not None:
        return
    prefix = "landing/gapminder/"
    landing = story.cast.edge_root / prefix
    landing.mkdir(parents=True, exist_ok=True)
    for path in data.registered_files(story.folder / "gapminder"):
        copy2(path, landing / path.name)
    ana.say("register", GAPMINDER, "--store", STORE_EDGE, "--prefix", prefix)


def _ensure_product(story: Story, name: str, title: str, description: str, **fields: Any) -> None:
    try:
        story.cast.ana.mesh.product(name)
    except NotFound:
        story.cast.ana.mesh.create_product(
            name, title, description=description, license=data.LICENSE, **fields
        )


def run_pipeline(story: Story) -> None:
    """Turn the corpus into packed tokens: planned, sampled, run and published."""
    ana = story.cast.ana
    _ensure_product(
        story,
        TOKENS,
        "Python source code, tokenised",
        "Packed rows of 2,048 tokens for training, made from /acme/nlp/~/code.",
        intended_use="Training of language models.",
    )
    ensure_policy(ana, AT_THE_EDGE, story.folder.parent)
    spec = {
        "version": 1,
        "inputs": [{"name": CODE, "format": "jsonl"}],
        "steps": STEPS,
        "output": {"name": TOKENS},
    }
    path = story.folder / f"{PIPELINE}.json"
    path.write_text(json.dumps(spec, indent=1))
    try:
        ana.mesh.pipeline(PIPELINE)
    except NotFound:
        ana.say("pipeline", "create", PIPELINE, str(path))
    ana.say("pipeline", "plan", PIPELINE, "--json")
    if ana.mesh.product(TOKENS)["latest"] is None:
        ana.say("pipeline", "sample", PIPELINE, "--rows", "20", "--json")
        ana.say("pipeline", "run", PIPELINE, "--wait", "--timeout", f"{RUN_SECONDS:g}", "--json")


def watch_copies(story: Story) -> None:
    """Wait until every version has its copies, and see that patients' data stayed in the EU."""
    operator = story.cast.operator
    wait_until(
        lambda: operator.mesh.replicate_plan("/acme")["items"],
        lambda items: not any(item["action"] == "copy" for item in items),
        "the reconciler",
        MOVE_SECONDS,
    )
    operator.say("transfers", "--wait", "--timeout", f"{MOVE_SECONDS:g}", "--json")
    _note_refused_copy(story)
    held = list(operator.mesh.replicas(product=PATIENTS))
    at = {row["store"] for row in held if row["state"] == "complete"}
    if STORE_US in {row["store"] for row in held} or len(at) < 2:
        raise SystemExit(f"{PATIENTS} lies at {sorted(at)}; it must be twice in the EU only.")
    owner = story.cast.carla.mesh
    sites = {row["site"] for row in owner.resolve(PATIENTS)["replicas"]}
    if "core-us" in sites:
        raise SystemExit(f"Resolve offers {PATIENTS} from {sorted(sites)}.")


def _note_refused_copy(story: Story) -> None:
    """Note the standing refusal, and that asking by hand is refused as well."""
    operator = story.cast.operator.mesh
    plan = story.cast.carla.say("replicate", "plan", PATIENTS, "--json").json
    version = operator.version(PATIENTS)["name"]
    for row in operator.transfers(product=PATIENTS, state="refused"):
        _refuse(story, "replicate", version, row["target"], row["policies"], row["reason"])
    for item in plan["items"]:
        if item["action"] == "refuse":
            _refuse(story, "plan", version, item["target"], item["policies"], item["reason"])
    try:
        operator.api.post("transfers", {"version": version, "target": STORE_US})
    except Denied as denied:
        _refuse(story, "replicate by hand", version, STORE_US, denied.policies, denied.detail)
        return
    raise SystemExit(f"A copy of {version} to {STORE_US} was not refused.")


def _refuse(
    story: Story, action: str, name: str, target: str, policies: list[str], reason: str
) -> None:
    story.report.refusals.append(
        {
            "action": action,
            "name": name,
            "target": target,
            "policy": ", ".join(policies),
            "reason": reason,
        }
    )
