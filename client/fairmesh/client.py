"""The library's front door: one method a verb, over the public HTTP interface of a mesh."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import pyarrow as pa

from fairmesh.config import Config, Mesh, load_config
from fairmesh.download import Fetched, Fetcher, Wanted
from fairmesh.errors import AnchorChanged, NotFound, UsageError
from fairmesh.names import split_name
from fairmesh.rows import FetchedRows, fetch_rows, read_rows
from fairmesh.seal import Anchor
from fairmesh.transport import Api, Json, problem_error
from fairmesh.upload import Journal, LocalFile, collect, open_draft, send_files
from fairmesh.verify import Progress
from fairmesh.waiting import RUN_ENDS, TRANSFER_ENDS, all_in, finished_run, wait_until
from fairmesh.watching import Watching

TRUST = "/.well-known/fairmesh/trust.json"
Paths = Iterable[str | Path] | Mapping[str, str | Path]


class Client:
    """A caller of one mesh. Methods return the server's JSON as it is documented there.

    Failures are the types of fairmesh.errors. `api` sends any other request.
    """

    def __init__(self, url: str, token: str = "", config: Config | None = None) -> None:
        self.api = Api(url, token)
        self.config = config or load_config()

    @classmethod
    def from_config(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Return a client of FAIRMESH_URL or the mesh in use, with FAIRMESH_TOKEN or its token."""
        config = load_config(environ)
        mesh = config.mesh(environ.get("FAIRMESH_URL"))
        return cls(mesh.url, environ.get("FAIRMESH_TOKEN") or mesh.token, config)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.api.close()

    # Who and what

    def me(self) -> Json:
        return self._json(self.api.get("me"))

    def anchor(self) -> Anchor:
        """Return the trusted anchor of the mesh; trusted and remembered at first use.

        Raises AnchorChanged when the mesh shows another one than was remembered. A remembered
        anchor is returned without asking the mesh.
        """
        known = self.config.mesh(self.api.url)
        if known.anchor:
            return Anchor.parse(known.anchor)
        return self.trust()

    def trust(self) -> Anchor:
        """Ask the mesh for its anchor and compare it with the one remembered, if any."""
        known = self.config.mesh(self.api.url)
        document = self.api.get(TRUST)
        shown = Anchor.parse(str(document["anchor"]["public"]))
        if known.anchor and shown != Anchor.parse(known.anchor):
            raise AnchorChanged(
                f"{self.api.url} shows the trust anchor {shown.key_id}, but "
                f"{Anchor.parse(known.anchor).key_id} was trusted before. Ask its operators; "
                "if they changed it, run `fairmesh login --forget-anchor`."
            )
        name = str(document.get("mesh", ""))
        self.remember(replace(known, anchor=shown.public, name=name), use=False)
        return shown

    def remember(self, mesh: Mesh, *, use: bool = True) -> None:
        self.config = self.config.remember(mesh, use=use)

    # Catalog

    def search(self, query: str = "", **filters: Any) -> Json:
        """Search; filters are domain, format, license, cursor and page_size."""
        return self._json(self.api.get("search", q=query, **filters))

    def products(self, **filters: Any) -> Iterator[Json]:
        return self.api.pages("products", **filters)

    def product(self, name: str) -> Json:
        """Return one product with what the caller `can` do; raise NotFound."""
        product, _, _ = split_name(name)
        for row in self.api.pages("products", name=product):
            return self._json(self.api.get(f"products/{row['id']}"))
        raise NotFound(f"There is no {product}, or you may not know of it.", {"name": product})

    def create_domain(self, name: str, title: str, team: str, description: str = "") -> Json:
        body = {"name": name, "title": title, "team": team, "description": description}
        return self._json(self.api.post("domains", body))

    def create_product(self, name: str, title: str, **fields: Any) -> Json:
        """Create a product; see the reference of `POST /products` for the fields."""
        return self._json(self.api.post("products", {"name": name, "title": title, **fields}))

    def version(self, name: str) -> Json:
        """Return the version of that name, or the latest published one of a product."""
        product, number, _ = split_name(name)
        if number is None:
            latest = self.product(product)["latest"]
            if latest is None:
                raise NotFound(f"{product} has no published version.", {"name": product})
            return self._json(latest)
        for row in self.api.pages("versions", product=product):
            if row["number"] == number:
                return row
        raise NotFound(f"There is no {product}/v={number}, or you may not know of it.")

    def files(self, version_id: str) -> Iterator[Json]:
        return self.api.pages(f"versions/{version_id}/files", page_size=1000)

    # Publishing

    def publish(
        self,
        name: str,
        paths: Paths,
        *,
        inputs: Sequence[str] = (),
        store: str | None = None,
        if_changed: bool = False,
        progress: Progress | None = None,
    ) -> Json:
        """Upload files and publish them as the product's next version; return the version.

        After a cut, the same call goes on with the files that are missing. With `if_changed`,
        nothing happens when the latest version holds the same files, and it is returned.
        """
        product, number, _ = split_name(name)
        if number is not None:
            raise UsageError(f"Publish to the product {product}; the mesh gives the version.")
        files = collect(paths)
        if if_changed and (same := self._same_as_latest(product, files)) is not None:
            return same
        journal = Journal.of(self.config.path.parent / "uploads", self.api.url, product)
        version_id = open_draft(self.api, product, files, journal)
        send_files(self.api, version_id, files, journal, store=store, progress=progress)
        version = self._publish_draft(version_id, inputs)
        journal.close()
        return version

    def register(self, name: str, store: str, prefix: str, *, inputs: Sequence[str] = ()) -> Json:
        """Publish the objects below `prefix` of a store where they lie; return the version.

        A file's path is its key less the prefix.
        """
        draft = self.api.post("versions", {"product": name})
        body = {"store": store, "prefix": prefix}
        self.api.post(f"versions/{draft['id']}/register", body)
        return self._publish_draft(str(draft["id"]), inputs)

    def _publish_draft(self, version_id: str, inputs: Sequence[str]) -> Json:
        body = {"inputs": list(inputs)} if inputs else {}
        return self._json(self.api.post(f"versions/{version_id}/publish", body))

    def _same_as_latest(self, product: str, files: Sequence[LocalFile]) -> Json | None:
        latest = self.product(product)["latest"]
        if latest is None or latest["files"] != len(files):
            return None
        published = {row["path"]: row["sha256"] for row in self.files(latest["id"])}
        same = published == {file.path: file.sha256 for file in files}
        return self._json(latest) if same else None

    # Reading

    def resolve(
        self, name: str, purpose: str | None = None, site: str | None = None, **more: Any
    ) -> Json:
        return Wanted(name, purpose, site).resolve(self.api, **more)

    def get(
        self,
        name: str,
        directory: str | Path,
        *,
        purpose: str | None = None,
        site: str | None = None,
        progress: Progress | None = None,
    ) -> Fetched:
        """Fetch a version, or one file of it, into `directory`, verified against the anchor.

        Raises Denied with the code `obligation_applies` where only masked rows are to be had.
        """
        split_name(name)
        wanted = Wanted(name, purpose, site)
        return Fetcher(self.api, wanted, Path(directory), progress).fetch(self.anchor())

    def get_rows(
        self,
        name: str,
        directory: str | Path,
        *,
        purpose: str | None = None,
        site: str | None = None,
        progress: Progress | None = None,
    ) -> FetchedRows:
        """Fetch the tables of a version as one may see them, masked: `<path>.arrow` for each."""
        split_name(name)
        wanted = Wanted(name, purpose, site)
        first = wanted.resolve(self.api)
        return fetch_rows(self.api, wanted.pages(self.api, first), Path(directory), progress)

    def rows(
        self,
        name: str,
        *,
        purpose: str | None = None,
        site: str | None = None,
        columns: Sequence[str] = (),
        limit: int | None = None,
    ) -> pa.RecordBatchReader:
        """Read the rows of a file, or of all tables of a version, as one may see them.

        The schema's metadata tells under `fairmesh.…` what was masked, by which policies, and any
        watermark. Rows come as they are asked for; a stream that is cut raises Unavailable.
        """
        split_name(name)
        wanted = ",".join(columns) or None
        return read_rows(
            self.api, name=name, purpose=purpose, site=site, columns=wanted, limit=limit
        )

    # Access

    def request_access(
        self, name: str, purpose: str, reason: str = "", days: int = 90, **more: str
    ) -> Json:
        """Ask for access; `more` may hold `team`, for all its members, and `port`."""
        product, _, _ = split_name(name)
        body = {"name": product, "purpose": purpose, "reason": reason, "days": days, **more}
        return self._json(self.api.post("access-requests", body))

    def access_requests(self, *, inbox: bool = False, name: str | None = None) -> Iterator[Json]:
        """Yield one's own requests, or with `inbox` those one may decide on."""
        return self.api.pages("access-requests", inbox="true" if inbox else None, name=name)

    def approve(self, request_id: str, comment: str = "", days: int | None = None) -> Json:
        """Approve a request, for fewer days if so said; return the grant that stands now."""
        path = f"access-requests/{request_id}/approve"
        fewer = {} if days is None else {"days": days}
        return self._json(self.api.post(path, {"comment": comment, **fewer}))

    def deny(self, request_id: str, comment: str) -> Json:
        path = f"access-requests/{request_id}/deny"
        return self._json(self.api.post(path, {"comment": comment}))

    def comments(self, request_id: str) -> Iterator[Json]:
        """Yield what was said about a request, newest first."""
        return self.api.pages(f"access-requests/{request_id}/comments")

    def comment(self, request_id: str, text: str) -> Json:
        return self._json(self.api.post(f"access-requests/{request_id}/comments", {"text": text}))

    def grants(self, **filters: Any) -> Iterator[Json]:
        """Yield one's own grants and one's teams'; filters are name, live and review."""
        return self.api.pages("grants", **filters)

    def renew(self, grant_id: str, days: int = 90, reason: str = "") -> Json:
        """Ask for what a grant gives, for longer; return the new request."""
        body = {"days": days, "reason": reason}
        return self._json(self.api.post(f"grants/{grant_id}/renew", body))

    def revoke(self, grant_id: str) -> Json:
        return self._json(self.api.post(f"grants/{grant_id}/revoke"))

    def add_policy(self, kind: str, text: str, slug: str = "") -> Json:
        body = {"kind": kind, "text": text} | ({"slug": slug} if slug else {})
        return self._json(self.api.post("policies", body))

    def add_label(self, name: str, label: str, column: str = "") -> Json:
        body = {"name": name, "label": label, "column": column}
        return self._json(self.api.post("labels", body))

    def decide(self, action: str, name: str, **situation: Any) -> Json:
        """Ask the decision point; `situation` may hold purpose and jurisdictions."""
        return self._json(self.api.post("decisions", {"action": action, "name": name, **situation}))

    def audit_export(self, path: Path) -> int:
        """Write the export of the audit log to `path`; return its bytes. For operators."""
        with self.api.stream(self.api.address("audit/export"), {}) as answer:
            if answer.status_code >= 400:
                answer.read()
                raise problem_error(answer)
            with path.open("wb") as file:
                return sum(file.write(piece) for piece in answer.iter_bytes())

    # Movement

    def replicate_plan(
        self, name: str = "", *, policy: str = "", site: str = "", keep: bool = True
    ) -> Json:
        """Return what would be copied, removed or refused below a name, by a policy or at a site.

        Nothing is done. Without `keep` the lines of what only stays are left out.
        """
        asked = {"name": name, "policy": policy, "site": site, "keep": str(keep).lower()}
        return self._json(self.api.get("plans", **{k: v for k, v in asked.items() if v}))

    def replicate_apply(
        self, name: str = "", *, policy: str = "", site: str = "", digest: str = ""
    ) -> Json:
        """Do what the plan says; with `digest` only if it is still the plan that was read."""
        asked = {"name": name, "policy": policy, "site": site, "digest": digest}
        return self._json(self.api.post("plans", asked))

    def replicate_status(self, plan: str) -> Json:
        """Return how far a plan that was applied has come."""
        return self._json(self.api.get(f"plans/{plan}"))

    def replicate_undo(self, plan: str) -> Json:
        """Call off what is still under way of a plan that was applied."""
        return self._json(self.api.post(f"plans/{plan}/undo", {}))

    def transfers(self, **filters: Any) -> Iterator[Json]:
        return self.api.pages("transfers", **filters)

    def replicas(self, **filters: Any) -> Iterator[Json]:
        return self.api.pages("replicas", **filters)

    def wait_transfers(self, timeout: float = 300.0, **filters: Any) -> list[Json]:
        """Return the transfers of a product or version once all have ended; raise Pending."""
        return wait_until(
            lambda: list(self.transfers(**filters)), all_in(TRANSFER_ENDS), "transfers", timeout
        )

    def watch_transfers(
        self,
        *,
        transfer: str | None = None,
        version: str | None = None,
        product: str | None = None,
        timeout: float | None = None,
    ) -> Iterator[Json]:
        """Yield transfers as they change, until all of the version or product have ended.

        Without any of the three it goes on with all that one may know of. Raises Pending when it
        takes longer than `timeout` seconds.
        """
        return iter(
            Watching(self.api, transfer=transfer, version=version, product=product, timeout=timeout)
        )

    # Transforms and lineage

    def pipeline(self, name: str) -> Json:
        """Return the pipeline of that name or id; raise NotFound."""
        for row in self.api.pages("pipelines"):
            if name in {row["name"], row["id"]}:
                return row
        raise NotFound(f"There is no pipeline {name!r}, or you may not know of it.")

    def pipeline_create(
        self, name: str, document: Mapping[str, Any] | str, purpose: str = ""
    ) -> Json:
        """Save a pipeline; the document is a mapping, or a text in YAML or JSON."""
        told = {"text": document} if isinstance(document, str) else {"spec": dict(document)}
        return self._json(self.api.post("pipelines", {"name": name, "purpose": purpose, **told}))

    def pipeline_plan(self, name: str, purpose: str = "") -> Json:
        path = f"pipelines/{self.pipeline(name)['id']}/plan"
        return self._json(self.api.post(path, {"purpose": purpose}))

    def pipeline_sample(self, name: str, rows: int = 20, purpose: str = "") -> Json:
        path = f"pipelines/{self.pipeline(name)['id']}/sample"
        return self._json(self.api.post(path, {"rows": rows, "purpose": purpose}))

    def pipeline_run(self, name: str, purpose: str = "") -> Json:
        """Run a pipeline; a grant for a purpose is good for a run that states it."""
        path = f"pipelines/{self.pipeline(name)['id']}/run"
        return self._json(self.api.post(path, {"purpose": purpose}))

    def pipeline_backfill(
        self, name: str, first: int, last: int, *, dry_run: bool = False, purpose: str = ""
    ) -> Json:
        """Queue a run for each version from `first` to `last` that lacks one, oldest first."""
        asked = {"from": first, "to": last, "dry_run": dry_run, "purpose": purpose}
        return self._json(self.api.post(f"pipelines/{self.pipeline(name)['id']}/backfill", asked))

    def runs_diff(self, run_id: str, other_id: str) -> Json:
        """Return in what the second run differs from the first."""
        return self._json(self.api.get(f"runs/{run_id}/diff", **{"with": other_id}))

    def runs(self, **filters: Any) -> Iterator[Json]:
        return self.api.pages("runs", **filters)

    def wait_run(self, run_id: str, timeout: float = 900.0) -> Json:
        """Return a run that ended well; raise FairmeshError with its reason, or Pending."""
        run = wait_until(
            lambda: self._json(self.api.get(f"runs/{run_id}")),
            lambda seen: seen["state"] in RUN_ENDS,
            f"the run {run_id}",
            timeout,
        )
        return finished_run(run)

    def lineage(self, name: str, *, direction: str = "both", depth: int = 3) -> Json:
        params = {"name": name, "direction": direction, "depth": depth}
        return self._json(self.api.get("lineage/graph", **params))

    @staticmethod
    def _json(answer: Any) -> Json:
        return dict(answer)
