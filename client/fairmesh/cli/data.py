"""publish, register, get, resolve, verify, search-index."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, TypeVar, cast

import typer

from fairmesh.cli.app import app, mesh
from fairmesh.cli.catalog import Name
from fairmesh.cli.output import AsJson, progress_bar, show, show_rows
from fairmesh.client import Client
from fairmesh.config import load_config
from fairmesh.download import Fetched
from fairmesh.errors import Denied, Pending, UsageError
from fairmesh.names import split_name
from fairmesh.rows import APPLIES, FetchedRows
from fairmesh.seal import Anchor
from fairmesh.transport import Json
from fairmesh.vectors import Vectors
from fairmesh.verify import Expectation, verify_directory

T = TypeVar("T")
Purpose = Annotated[str | None, typer.Option(help="What for, as in model-training.")]
Site = Annotated[str | None, typer.Option(help="Where you are: the nearest replica comes first.")]
Inputs = Annotated[
    list[str], typer.Option("--input", help="A version this one was made from; may be repeated.")
]


@app.command()
def publish(
    name: Name,
    paths: Annotated[list[Path], typer.Argument(help="Files, and folders with all below them.")],
    inputs: Inputs = [],  # noqa: B006 - typer reads the default and never changes it
    store: Annotated[str | None, typer.Option(help="Upload to this store.")] = None,
    if_changed: Annotated[
        bool, typer.Option("--if-changed", help="Do nothing when the latest version is the same.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Publish files as the next version of a product. After a cut, the same command goes on."""
    with mesh() as client, progress_bar(name) as progress:
        version = client.publish(
            name, paths, inputs=inputs, store=store, if_changed=if_changed, progress=progress
        )
    show(as_json, version, f"Published {version['name']}: {version['files']} files.")


@app.command()
def register(
    name: Name,
    store: Annotated[str, typer.Option(help="The store that holds the objects.")],
    prefix: Annotated[str, typer.Option(help="Where they lie in it; left out of the paths.")],
    as_json: AsJson = False,
) -> None:
    """Publish objects where they lie, without moving them."""
    with mesh() as client:
        version = client.register(name, store, prefix)
    show(as_json, version, f"Registered {version['name']}: {version['files']} files.")


@app.command()
def resolve(
    name: Name, purpose: Purpose = None, site: Site = None, as_json: AsJson = False
) -> None:
    """Show the replicas you may read, nearest first, and where each file is to be had."""
    with mesh() as client:
        found = _or_pending(client, name, purpose, lambda: client.resolve(name, purpose, site))
    if as_json:
        show(True, found, "")
        return
    show(False, None, f"{found['name']}  {found['digest']}")
    show_rows(False, found["replicas"], ["store", "site", "jurisdictions", "state", "distance"])


@app.command()
def get(
    name: Name,
    directory: Annotated[
        Path | None, typer.Argument(help="Where to; by default the name of the product.")
    ] = None,
    purpose: Purpose = None,
    site: Site = None,
    as_json: AsJson = False,
) -> None:
    """Fetch a version, or one file of it, and verify it. After a cut, the same command goes on.

    Where you may see masked rows alone, each table is fetched as `<path>.arrow` instead.
    """
    target = directory or Path(split_name(name)[0].rsplit("/", 1)[1])
    asked = {"purpose": purpose, "site": site}
    with mesh() as client, progress_bar(name) as progress:

        def fetch() -> Fetched | FetchedRows:
            try:
                return client.get(name, target, **asked, progress=progress)
            except Denied as denied:
                if denied.code != APPLIES:
                    raise
                return client.get_rows(name, target, **asked, progress=progress)

        fetched = _or_pending(client, name, purpose, fetch)
    show(as_json, fetched.as_json(), _told(fetched, target))


def _told(fetched: Fetched | FetchedRows, target: Path) -> str:
    if isinstance(fetched, FetchedRows):
        tables = f"{fetched.name}: {len(fetched.files)} tables in {target}, {fetched.in_words()}."
        return f"{tables} They were made for you, so no seal vouches for them."
    report = fetched.report
    return f"{report.name}: {report.files} files, {report.bytes} bytes, verified in {target}."


def _or_pending(client: Client, name: str, purpose: str | None, read: Callable[[], T]) -> T:
    """Return what `read` returns; a denial with a request under way becomes Pending."""
    try:
        return read()
    except Denied as denied:
        product = split_name(name)[0]
        asked = client.access_requests(name=product)
        if any(row["state"] == "pending" for row in asked):
            detail = f"{denied.detail} Your request for {product} waits for its owners."
            raise Pending(detail, {**denied.problem, "code": "pending"}) from denied
        raise Denied(denied.detail, {**denied.problem, "purpose": purpose}) from denied


@app.command()
def verify(
    directory: Annotated[Path, typer.Argument(help="A fetched version.")],
    anchor: Annotated[
        str | None,
        typer.Option(
            help="A trust document, a file with a key, or a key in base64; by default "
            "the anchor remembered for the mesh."
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Accept only this version.")] = None,
    as_json: AsJson = False,
) -> None:
    """Verify a fetched version off-line: signature, manifest, and every byte."""
    trusted = trusted_anchor(anchor)
    with progress_bar(str(directory)) as progress:
        report = verify_directory(
            directory, trusted, expected=Expectation(name=name), progress=progress
        )
    report.require()
    answer: Json = {**report.as_json(), "anchor": trusted.key_id}
    text = f"{report.name}: {report.files} files, {report.bytes} bytes, all as {report.publisher} "
    show(as_json, answer, text + f"published them at {report.published}.")


@app.command("search-index")
def search_index(
    directory: Annotated[Path, typer.Argument(help="A fetched version that has an index.")],
    query_file: Annotated[
        Path, typer.Option(help="A vector in JSON, [0.1, …], or a list of such vectors.")
    ],
    count: Annotated[int, typer.Option(min=1, help="How many rows for each vector.")] = 10,
    columns: Annotated[
        list[str], typer.Option("--column", help="Show this column; by default all but vectors.")
    ] = [],  # noqa: B006 - typer reads the default and never changes it
    as_json: AsJson = False,
) -> None:
    """Find the rows nearest to a vector, by the index of a fetched version, off-line."""
    index = Vectors.of(directory)
    answers = index.nearest(_queries(query_file), count)
    told = [
        {"query": at, **asdict(each), "values": _printable(row)}
        for at, found in enumerate(answers)
        for each, row in zip(found, index.rows(found, columns), strict=True)
    ]
    names = [f"values.{name}" for name in (told[0]["values"] if told else ())]
    show_rows(as_json, told, ["query", "distance", "part", "row", *names])


def _queries(path: Path) -> list[list[float]]:
    try:
        given = json.loads(path.read_bytes())
    except ValueError:
        raise UsageError(f"{path} is not JSON.") from None
    queries = given if isinstance(given, list) else []
    if not any(isinstance(each, list) for each in queries):
        queries = [queries]
    if not all(isinstance(each, list) and each and all(map(_is_number, each)) for each in queries):
        raise UsageError(f"{path} holds no vector: write [0.1, 0.2, …], or a list of such.")
    return queries


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _printable(row: Json) -> Json:
    """Return a row with everything that JSON has no word for, such as dates, as text."""
    return cast("Json", json.loads(json.dumps(row, default=str)))


def trusted_anchor(given: str | None) -> Anchor:
    """Return the anchor that is given, in a file or as it is, or else the one remembered."""
    if given is not None:
        path = Path(given)
        return Anchor.parse(path.read_text() if path.is_file() else given)
    known = load_config().mesh(os.environ.get("FAIRMESH_URL"))
    if not known.anchor:
        raise UsageError(
            f"No anchor is remembered for {known.url}. Run `fairmesh login`, or give --anchor."
        )
    return Anchor.parse(known.anchor)
