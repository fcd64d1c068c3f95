"""Versions: opened as drafts, filled with files, sealed once. How they go: removal.py."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from catalog import search
from catalog.inventory import described
from catalog.models import (
    DraftFile,
    Lifecycle,
    ManifestShard,
    PortDirection,
    Product,
    Version,
    VersionAlias,
    VersionState,
)
from catalog.selectors import (
    LATEST,
    named_version,
    product_for,
    product_resource,
    version_by_id,
)
from core import manifest, outbox, seal
from core.canonical import canonical_digest, canonical_json
from core.digests import Chunk, sha256_digest
from core.errors import Conflict, Invalid, NotFound
from core.manifest import FileEntry
from core.names import Name, check_path
from governance import audit
from governance.engine.entities import Action, Principal, Situation, Visibility
from governance.selectors import label_names_of
from governance.services import naming, require, signer_for
from governance.services.holds import person_of
from governance.services.inheritance import Source as LabelSource
from governance.services.inheritance import inherit
from governance.services.scans import scan_published

ColumnFlow = Mapping[str, Sequence[str]]
"""Output column → the input columns whose values flow into it."""


@transaction.atomic
def open_version(actor: Principal, product_name: str) -> Version:
    """Open a draft under the product's next number. A number once given is never used again."""
    product = product_for(actor, Action.PUBLISH, product_name)
    locked = Product.objects.select_for_update().get(pk=product.pk)
    if locked.lifecycle == Lifecycle.RETIRED:
        raise Conflict(f"{product.name} is retired; nothing more is published under it.")
    locked.last_number += 1
    locked.save(update_fields=["last_number"])
    version = Version.objects.create(
        product=product, number=locked.last_number, created_by=actor.id
    )
    decision = require(actor, Action.PUBLISH, product_resource(product))
    audit.record(actor, "open-version", version.name, decision)
    return version


def add_draft_file(
    version: Version, entry: FileEntry, schema: Sequence[dict[str, Any]] = ()
) -> DraftFile:
    """Note a file whose bytes are safe in a store. The same path again replaces the note."""
    check_path(entry.path)
    with transaction.atomic():
        locked = Version.objects.select_for_update().filter(pk=version.pk).first()
        if locked is None:
            raise NotFound(f"The draft {version.name} was given up.", name=version.name)
        if locked.state != VersionState.DRAFT:
            raise Conflict(f"{version.name} is {locked.state}; a published version never changes.")
        file, _ = DraftFile.objects.update_or_create(
            version=version,
            path=entry.path,
            defaults={
                "bytes": entry.bytes,
                "sha256": entry.sha256,
                "media_type": entry.media_type,
                "rows": entry.rows,
                "chunks": [[chunk.sha256, chunk.crc32c] for chunk in entry.chunks],
                "schema": list(schema),
            },
        )
    return file


@transaction.atomic
def publish_version(
    actor: Principal,
    version_id: UUID,
    *,
    inputs: Sequence[str] = (),
    run: str = "",
    purpose: str = "",
    columns: Mapping[str, ColumnFlow] | None = None,
) -> Version:
    """Seal a draft: build the manifest, sign the header, point `latest` at it.

    `inputs` are the names of the versions this one was made from; the actor must be allowed to
    transform them for `purpose`, and their labels are inherited before anybody can ask about the
    version. With `columns`, by input, a column's labels come to the columns that its values flow
    into, else to the product. A version that is published already is returned as it is, so that a
    repeated request does nothing twice.
    """
    version_by_id(actor, Action.PUBLISH, version_id)
    version = (
        Version.objects.select_for_update(of=("self",))
        .select_related("product__domain__team")
        .get(pk=version_id)
    )
    resource = product_resource(version.product)
    decision = require(actor, Action.PUBLISH, resource)
    if version.state == VersionState.PUBLISHED:
        return version
    if version.state != VersionState.DRAFT:
        raise Conflict(f"{version.name} was removed and cannot be published again.")
    if version.product.lifecycle == Lifecycle.RETIRED:
        raise Conflict(f"{version.product.name} is retired; nothing more is published under it.")
    files = list(version.draft_files.all())
    if not files:
        raise Invalid(f"{version.name} has no files yet; upload or register some first.")
    naming.check_publication(actor, resource.name, resource.labels, described(version.product))
    sources = [
        named_version(actor, Action.TRANSFORM, Name.parse(name), situation=Situation(purpose))
        for name in inputs
    ]
    inherit(version.product.name, version.name, _label_sources(sources, columns or {}))
    built = manifest.build(_entry(file) for file in files)
    _fill(version, built, _common_schema(files), sources)
    _sign(actor, version, built, [_cited(version, source) for source in sources])
    version.save()
    _store_shards(version, built)
    version.draft_files.all().delete()
    _tell_format(version, files)
    _after_publish(actor, version, run)
    audit.record(actor, "publish", version.name, decision, digest=version.digest)
    return version


def _entry(file: DraftFile) -> FileEntry:
    chunks = tuple(Chunk(sha256, crc32c) for sha256, crc32c in file.chunks)
    return FileEntry(file.path, file.bytes, file.sha256, file.media_type, file.rows, chunks)


def _common_schema(files: Sequence[DraftFile]) -> list[dict[str, Any]]:
    """Return the columns when every tabular file has the same ones, else nothing."""
    schemas = [file.schema for file in files if file.schema]
    return schemas[0] if schemas and all(schema == schemas[0] for schema in schemas) else []


def _fill(
    version: Version,
    built: manifest.Manifest,
    schema: list[dict[str, Any]],
    sources: Sequence[Version],
) -> None:
    version.root, version.files, version.bytes = built.root, built.files, built.bytes
    version.rows = built.rows
    version.schema = schema
    version.schema_digest = canonical_digest(schema) if schema else ""
    version.labels = label_names_of(version.product.name)
    version.inputs = [{"name": source.name, "digest": source.digest} for source in sources]


_FORMATS = {
    "application/vnd.apache.parquet": "parquet",
    "application/x-ndjson": "jsonl",
    "application/jsonl": "jsonl",
}


def _tell_format(version: Version, files: Sequence[DraftFile]) -> None:
    """Have the output port say what most files are; an index, which holds no rows, is not asked."""
    telling = [file for file in files if file.rows != 0] or files
    (media_type, _), *_ = Counter(file.media_type for file in telling).most_common(1)
    plain = media_type.split(";")[0].strip()
    told = _FORMATS.get(plain, plain.rpartition("/")[2].removeprefix("x-"))[:64]
    version.product.ports.filter(direction=PortDirection.OUTPUT, name="files").update(format=told)


def _cited(version: Version, source: Version) -> dict[str, str | None]:
    """Return how the seal cites an input: by name only when that tells nobody of a private one.

    A seal travels with the bytes to whoever may read them, so it must not name what is more
    private than the version itself; the digest cites the input all the same.
    """
    mine, theirs = version.product, source.product
    among_team = Visibility(mine.visibility) is Visibility.TEAM
    if Visibility(theirs.visibility) is Visibility.TEAM:
        told = among_team and mine.domain.team_id == theirs.domain.team_id
    else:
        told = Visibility(theirs.visibility).is_as_wide_as(Visibility(mine.visibility))
    return {"name": source.name if told else None, "digest": source.digest}


def _sign(
    actor: Principal,
    version: Version,
    built: manifest.Manifest,
    cited: Sequence[dict[str, str | None]],
) -> None:
    signer = signer_for(Name.parse(version.name))  # before the clock is read: a new key is
    version.published_at = timezone.now()  # delegated from its making on, not earlier
    version.state = VersionState.PUBLISHED
    previous = (
        Version.objects.filter(product=version.product, number__lt=version.number)
        .exclude(digest="")
        .order_by("-number")
        .values_list("digest", flat=True)
        .first()
    )
    header = {
        "type": "fairmesh.version",
        "name": version.name,
        "previous": previous,
        "manifest": {
            "root": built.root,
            "shards": [shard.digest for shard in built.shards],
            "files": built.files,
            "bytes": built.bytes,
            "rows": built.rows,
        },
        "schema_digest": version.schema_digest or None,
        "labels": version.labels,
        "inputs": list(cited),
        "license": version.product.license or None,
        "published": version.published_at.isoformat(),
        "publisher": actor.id,
    }
    version.digest = sha256_digest(canonical_json(header))
    version.envelope = seal.sign(signer, seal.HEADER_TYPE, header)


def _store_shards(version: Version, built: manifest.Manifest) -> None:
    ManifestShard.objects.bulk_create(
        ManifestShard(
            version=version,
            index=index,
            digest=shard.digest,
            files=shard.files,
            first_path=next(manifest.read_shard(shard.data, shard.digest)).path,
            data=shard.data,
        )
        for index, shard in enumerate(built.shards)
    )


def _label_sources(
    sources: Sequence[Version], columns: Mapping[str, ColumnFlow]
) -> list[LabelSource]:
    return [
        LabelSource(source.name, source.product.name, columns.get(source.name))
        for source in sources
    ]


def _after_publish(actor: Principal, version: Version, run: str) -> None:
    product = version.product
    newest = not product.versions.filter(
        state=VersionState.PUBLISHED, number__gt=version.number
    ).exists()
    if newest:
        VersionAlias.objects.update_or_create(
            product=product, alias=LATEST, defaults={"version": version}
        )
    if product.lifecycle in {Lifecycle.PROPOSED, Lifecycle.DRAFT}:
        product.lifecycle = Lifecycle.ACTIVE
        product.save(update_fields=["lifecycle", "updated_at"])
    search.index_product(product)
    resource = product_resource(product)
    scan_published(resource, version.number, by=actor.id, published_by=person_of(actor))
    outbox.emit(
        "version.published",
        {
            "version": version.name,
            "product": product.name,
            "version_id": str(version.pk),
            "digest": version.digest,
            "inputs": version.inputs,
            "schema": version.schema,
            "principal": actor.id,
            "at": version.published_at and version.published_at.isoformat(),
            "run": run,
        },
    )
