"""pipeline, runs."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from fairmesh.cli.app import app, group, mesh
from fairmesh.cli.output import AsJson, problem_line, show, show_rows
from fairmesh.cli.texts import text_of
from fairmesh.errors import Exit
from fairmesh.transport import Json

pipeline = group("pipeline", "Declared transformations.")

Pipeline = Annotated[str, typer.Argument(metavar="PIPELINE", help="Its name or id.")]
Document = Annotated[
    str,
    typer.Argument(metavar="FILE", help="The document, in YAML or JSON, or - for standard input."),
]
PipelineOrFile = Annotated[
    str,
    typer.Argument(
        metavar="PIPELINE",
        help="Its name or id, or the file of a document that is not saved, or - for standard "
        "input. A file is what has a dot or a slash in it, as ./wiki has.",
    ),
]
Purpose = Annotated[str, typer.Option(help="What for, as in model-training.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until it has ended.")]
Timeout = Annotated[float, typer.Option(help="Seconds to wait; then the exit code is 5.")]


@pipeline.command("create")
def create_pipeline(
    name: Annotated[str, typer.Argument(help="The name of the pipeline.")],
    file: Document,
    purpose: Purpose = "",
    as_json: AsJson = False,
) -> None:
    """Check a pipeline's document and save it."""
    text = text_of(file)
    with mesh() as client:
        made = client.pipeline_create(name, text, purpose)
    show(as_json, made, f"Saved {made['name']}.")


@pipeline.command("check")
def check_document(file: Document, purpose: Purpose = "", as_json: AsJson = False) -> None:
    """Tell every problem of a document at its line, saving nothing; then the exit code is 1."""
    found = _tried("check", file, purpose)
    show(as_json, found, lambda: _checked(file, found))
    if found["problems"]:
        raise typer.Exit(int(Exit.ERROR))


def _checked(file: str, found: Json) -> str:
    if found["problems"]:
        return "\n".join(problem_line(each, file) for each in found["problems"])
    if found["not_compared"]:
        return f"No problem found. The columns were not compared: {found['not_compared']}"
    return "No problem found."


@pipeline.command("list")
def list_pipelines(as_json: AsJson = False) -> None:
    """List the pipelines that you may know of."""
    with mesh() as client:
        rows = list(client.api.pages("pipelines"))
    show_rows(as_json, rows, ["name", "inputs", "output", "id"])


@pipeline.command("plan")
def plan_pipeline(name: PipelineOrFile, purpose: Purpose = "", as_json: AsJson = False) -> None:
    """Explain what a run would do, without doing it."""
    if _is_file(name):
        found = _tried("plan", name, purpose)
    else:
        with mesh() as client:
            found = client.pipeline_plan(name, purpose)
    show(as_json, found, lambda: _lines(_without_shards(found)))


@pipeline.command("sample")
def sample_pipeline(
    name: PipelineOrFile,
    rows: Annotated[int, typer.Option(help="How many rows of the input.")] = 20,
    purpose: Purpose = "",
    as_json: AsJson = False,
) -> None:
    """Run some rows and show what becomes of them; nothing is published."""
    if _is_file(name):
        found = _tried("sample", name, purpose, rows=rows)
    else:
        with mesh() as client:
            found = client.pipeline_sample(name, rows, purpose)
    show(as_json, found, lambda: _lines(found))


def _without_shards(plan: Json) -> Json:
    """Return a plan for people: the list of its shards is for programs."""
    return {key: value for key, value in plan.items() if key != "shard_list"}


def _is_file(given: str) -> bool:
    """Tell whether a file is meant: neither the name of a pipeline nor an id has these signs."""
    return given == "-" or "." in given or "/" in given


def _tried(verb: str, file: str, purpose: str, **more: Any) -> Json:
    """Return what the mesh says of a document that is not saved."""
    body = {"text": text_of(file), "purpose": purpose, **more}
    with mesh() as client:
        return dict(client.api.post(f"pipelines/{verb}", body))


def _lines(value: Json) -> str:
    """Return a value as `key  value` lines; what is nested stays JSON."""
    return "\n".join(f"{key:<14} {_plain(inner)}" for key, inner in value.items())


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@pipeline.command("run")
def run_pipeline(
    name: Pipeline,
    purpose: Purpose = "",
    wait: Wait = False,
    timeout: Timeout = 900.0,
    as_json: AsJson = False,
) -> None:
    """Run a pipeline on the latest input; the result is published as a version."""
    with mesh() as client:
        run = client.pipeline_run(name, purpose)
        if wait:
            run = client.wait_run(run["id"], timeout)
    show(as_json, run, f"{run['id']} {run['state']} {run.get('output') or ''}".strip())


@pipeline.command("backfill")
def backfill_pipeline(
    name: Pipeline,
    first: Annotated[int, typer.Option("--from", help="The first version of the input.")],
    last: Annotated[int, typer.Option("--to", help="The last version.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell, and queue nothing.")] = False,
    purpose: Purpose = "",
    as_json: AsJson = False,
) -> None:
    """Run a pipeline over older versions of its input, one after the other, oldest first."""
    with mesh() as client:
        found = client.pipeline_backfill(name, first, last, dry_run=dry_run, purpose=purpose)
    show(as_json, found, lambda: _backfilled(found))


def _backfilled(found: Json) -> str:
    rows = [
        f"{each['action']:<7} {each['version']} {each['bytes']} bytes {each['reason']}".rstrip()
        for each in found["versions"]
    ]
    word = "would be queued" if found["dry_run"] else "are queued"
    return "\n".join([*rows, f"{found['runs']} runs {word}, over {found['bytes']} bytes."])


@pipeline.command("diff")
def diff_runs(
    first: Annotated[str, typer.Argument(metavar="RUN", help="The id of a run.")],
    second: Annotated[str, typer.Argument(metavar="OTHER", help="The id of the other one.")],
    as_json: AsJson = False,
) -> None:
    """Tell in what the other run differs: document, versions, input, counts and files."""
    with mesh() as client:
        found = client.runs_diff(first, second)
    show(as_json, found, lambda: _differences(found))


def _differences(found: Json) -> str:
    lines = []
    for part in ("document", "made_with", "inputs", "counts"):
        if found[part] is None:
            lines.append(f"{part}: not known of both runs")
        for each in found[part] or []:
            before, after = _plain(each["before"]), _plain(each["after"])
            lines.append(f"{part}: {each['where']}  {before} -> {after}")
    files = found["files"]
    if files is None:
        return "\n".join([*lines, "files: one of the runs has no result"])
    lines += [f"files: {each['where']}" for each in files["sample"]]
    kinds = ("equal", "changed", "added", "removed")
    return "\n".join([*lines, "files: " + ", ".join(f"{files[kind]} {kind}" for kind in kinds)])


@app.command()
def runs(
    name: Annotated[str | None, typer.Option("--pipeline", help="Only of this one.")] = None,
    state: Annotated[str | None, typer.Option(help="Only in this state.")] = None,
    as_json: AsJson = False,
) -> None:
    """List runs, with their rows and tokens."""
    with mesh() as client:
        rows = list(client.runs(pipeline=name, state=state))
    columns = ["id", "pipeline", "state", "output", "rows_in", "rows_out", "tokens", "reason"]
    show_rows(as_json, rows, columns)
