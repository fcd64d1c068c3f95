"""What the pages of pipelines have to show: a corpus, what is made of it, and who may not."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from shutil import copyfile
from typing import Any

from django.utils import timezone

from tests.builders import World, deliver
from tests.transforms.mesh import drive
from transforms.models import Pipeline, Run, RunState
from transforms.services import save_pipeline, start_run

RAW, CLEAN, AUTHORS = "/acme/nlp/~/raw", "/acme/nlp/~/clean", "/acme/nlp/~/authors"
SHORT, AGAIN, BROKEN, KEPT = 4, 2, 1, 20
"""Rows of RAW: too short, repeated, no JSON, and those that stay."""
DOCUMENT = f"""\
version: 1
inputs: [{{name: {RAW}, files: "*.jsonl"}}]
steps:
  - filter: {{where: [{{column: text, min_chars: 20, reason: "too short: yes"}}]}}
  - dedup_exact: {{columns: [text]}}
  - language: {{column: text}}
  - tokenise: {{column: text, tokenizer: deepseek}}
output: {{name: {CLEAN}}}
"""
KNOWN = 9
"""Rows of AUTHORS, which name the first of RAW; one more is no JSON."""
JOINED = f"""\
version: 1
inputs:
  - {{name: {RAW}, files: "*.jsonl"}}
  - {{name: {AUTHORS}, alias: authors}}
steps:
  - dedup_exact: {{columns: [text]}}
  - join: {{input: authors, keys: [id]}}
output: {{name: {CLEAN}}}
"""


def install_tokenizer(world: World, settings: Any) -> None:
    """Put the tokenizer that the document names where the platform looks for it."""
    package = find_spec("litellm")
    assert package is not None
    assert package.origin is not None
    carried = Path(package.origin).parent / "litellm_core_utils" / "tokenizers"
    folder = world.home / "tokenizers"
    (folder / "deepseek").mkdir(parents=True)
    copyfile(carried / "deepseek_tokenizer.json", folder / "deepseek" / "tokenizer.json")
    settings.FAIRMESH = replace(settings.FAIRMESH, tokenizers=folder)


def corpus() -> bytes:
    """Return RAW's rows, the short ones first; texts of ever more words."""
    long = [f"The city has {n} bridges and " + "many houses " * n for n in range(KEPT)]
    texts = [*(f"Stop {n}." for n in range(SHORT)), *long, *long[:AGAIN]]
    rows = [json.dumps({"id": n, "text": text}) for n, text in enumerate(texts)]
    return "\n".join([*rows, "{broken", ""]).encode()


def lay_pipe(world: World, settings: Any) -> Pipeline:
    """Have Ana publish RAW and save a pipeline from it into CLEAN."""
    install_tokenizer(world, settings)
    world.add_product(RAW, access="request")
    world.add_product(CLEAN, access="open")
    world.publish(RAW, {"part-0.jsonl": corpus()}, "store-eu")
    deliver()
    world.add_label(RAW, "license:mixed")
    return save_pipeline(world.ana.principal, name="clean-texts", text=DOCUMENT)


def lay_join(world: World) -> Pipeline:
    """Have Ana publish AUTHORS and save a pipeline that looks them up; `lay_pipe` comes before."""
    world.add_product(AUTHORS, access="open")
    rows = [json.dumps({"id": n, "author": f"author {n}"}) for n in range(KNOWN)]
    world.publish(
        AUTHORS, {"authors.jsonl": "\n".join([*rows, "{broken", ""]).encode()}, "store-eu"
    )
    deliver()
    return save_pipeline(world.ana.principal, name="texts-with-authors", text=JOINED)


def run_through(world: World, pipeline: Pipeline) -> Run:
    """Have Ana run it, and the workers do their work."""
    run = drive(start_run(world.ana.principal, pipeline.pk))
    deliver()
    return run


def keep_waiting(run: Run) -> None:
    """Write what a worker writes while a store is away, with some of the shards done."""
    Run.objects.filter(pk=run.pk).update(
        state=RunState.WAITING,
        reason_code="store_unavailable",
        reason="The store store-eu does not answer.",
        shards_total=4,
        next_attempt_at=timezone.now() + timedelta(minutes=5),
    )
