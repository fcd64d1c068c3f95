"""The landing page as linked data: schema.org, and Croissant where there are files.

One document serves search engines (embedded in the HTML), FAIR assessors and data loaders.
Source: mlcommons.org/croissant/1.1; schema.org/Dataset; W3C PROV-O.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from catalog.engine.landing import (
    ColumnFact,
    DomainPage,
    FileFacts,
    FilePage,
    Mesh,
    Page,
    ProductFacts,
    ProductPage,
    VersionPage,
    access_words,
)
from catalog.engine.licenses import spdx_urls

Json = dict[str, Any]
CROISSANT = "http://mlcommons.org/croissant/1.1"
_CR_TERMS = (
    "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field",
    "fileObject", "fileProperty", "fileSet", "format", "includes", "isArray", "isLiveDataset",
    "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex", "repeated",
    "replace", "samplingRate", "separator", "source", "subField", "transform",
)  # fmt: skip
CONTEXT: Json = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    "description": {"@container": "@language"},
    **{term: f"cr:{term}" for term in _CR_TERMS},
}
_TYPES = (
    (r"u?int\d+", "sc:Integer"),
    (r"(half)?float\d*|double|decimal.*", "sc:Float"),
    (r"bool(ean)?", "sc:Boolean"),
    (r"date\d*(\[.*)?", "sc:Date"),
    (r"timestamp.*|datetime.*", "sc:DateTime"),
)
_PLAIN = re.compile(r"[A-Za-z0-9_./-]+")
_LIST = re.compile(r"(?:large_|fixed_size_)?list<[^:]*: (?P<item>[^<>]+)>(?:\[\d+\])?")


def linked_data(page: Page, mesh: Mesh) -> Json:
    """Return the JSON-LD document of a page."""
    if isinstance(page, DomainPage):
        return _domain(page, mesh)
    if isinstance(page, ProductPage):
        return _product(page, mesh)
    if isinstance(page, VersionPage):
        return _version(page, mesh)
    return _file(page, mesh)


def _domain(page: DomainPage, mesh: Mesh) -> Json:
    return {
        "@context": CONTEXT,
        "@type": "sc:DataCatalog",
        "@id": mesh.landing(page.name),
        "name": page.title,
        **_given(description=page.description),
        "url": mesh.landing(page.name),
        "publisher": _team(page.team, mesh.landing(page.name)),
        "dataset": [
            {
                "@type": "sc:Dataset",
                "@id": mesh.landing(entry.name),
                "name": entry.title,
                "url": mesh.landing(entry.name),
            }
            for entry in page.products
        ],
    }


def _product(page: ProductPage, mesh: Mesh) -> Json:
    pid = mesh.pid(page.product.ark)
    published = [line for line in page.versions if not line.removed]
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "@id": pid,
        **_about(page.product, page.product.license, pid, mesh),
        "url": mesh.landing(page.product.name),
        **_given(
            datePublished=published[0].published_at.isoformat() if published else "",
            version=f"{published[0].number}.0.0" if published else "",
        ),
        "dateModified": page.product.updated_at.isoformat(),
        "hasPart": [
            {
                "@type": "sc:Dataset",
                "@id": mesh.pid(page.product.ark, line.number),
                "name": line.name,
                "url": mesh.landing(line.name),
            }
            for line in published
        ],
    }


def _version(page: VersionPage, mesh: Mesh) -> Json:
    pid = mesh.pid(page.product.ark, page.number)
    document = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "@id": pid,
        **_about(page.product, page.license, pid, mesh),
        "url": mesh.landing(page.name),
        # Croissant asks for a semantic version; the number of a version is its first part.
        "version": page.semver or f"{page.number}.0.0",
        "datePublished": page.published_at.isoformat(),
        "isPartOf": {"@id": mesh.pid(page.product.ark)},
        "size": f"{page.bytes} B",
        "prov:wasAttributedTo": page.publisher,
        **_given(
            isBasedOn=[mesh.landing(source.name) for source in page.inputs],
            variableMeasured=[column.name for column in page.columns],
        ),
    }
    if page.inputs:
        document["prov:wasDerivedFrom"] = [
            {"@id": mesh.landing(source.name)} for source in page.inputs
        ]
    if page.removed is not None:
        return {
            **document,
            "creativeWorkStatus": "Removed",
            "expires": page.removed.at.isoformat(),
            "prov:invalidatedAtTime": page.removed.at.isoformat(),
        }
    if not page.listed:
        return document
    return {**document, "conformsTo": CROISSANT, **_distribution(page, mesh)}


def _file(page: FilePage, mesh: Mesh) -> Json:
    return {
        "@context": CONTEXT,
        **_file_object(page.version, page.file, mesh),
        "@type": "sc:DataDownload",
        "@id": mesh.landing(page.name),
        "url": mesh.landing(page.name),
        "isPartOf": {"@id": mesh.pid(page.version.product.ark, page.version.number)},
    }


def _about(product: ProductFacts, expression: str, pid: str, mesh: Mesh) -> Json:
    """Return what a product and its versions say alike."""
    licences = spdx_urls(expression)
    return {
        "name": product.title,
        "description": product.description or product.title,
        "identifier": pid,
        "citeAs": pid,
        **_given(
            alternateName=product.name,
            keywords=list(product.keywords),
            license=(licences[0] if len(licences) == 1 else list(licences)) or expression,
        ),
        "creator": _team(product.team, mesh.landing(product.domain)),
        "publisher": {"@type": "sc:Organization", "name": mesh.name, "url": mesh.url},
        "dateCreated": product.created_at.isoformat(),
        "isAccessibleForFree": True,
        "conditionsOfAccess": access_words(product),
    }


def _team(title: str, url: str) -> Json:
    return {"@type": "sc:Organization", "name": title, "url": url}


def _given(**members: Any) -> Json:
    """Leave out what nobody filled in: an empty member says less than none."""
    return {key: value for key, value in members.items() if value}


def _distribution(page: VersionPage, mesh: Mesh) -> Json:
    ids = identifiers("files", [file.path for file in page.listed])
    files: list[Json] = [
        {"@id": ids[file.path], **_file_object(page, file, mesh)} for file in page.listed
    ]
    tabular = [file for file in page.listed if file.rows is not None]
    if not (page.columns and tabular):
        return {"distribution": files}
    source: Json = {"fileObject": {"@id": ids[tabular[0].path]}}
    if len(tabular) > 1:
        files.append(_file_set([ids[file.path] for file in tabular], tabular[0].media_type))
        source = {"fileSet": {"@id": "tables"}}
    return {"distribution": files, "recordSet": [_record_set(page.columns, source)]}


def _file_object(page: VersionPage, file: FileFacts, mesh: Mesh) -> Json:
    return {
        "@type": "cr:FileObject",
        "name": file.path,
        "contentUrl": mesh.content(page.id, file.path),
        "contentSize": f"{file.bytes} B",
        "encodingFormat": file.media_type,
        "sha256": file.sha256,
    }


def _file_set(ids: Iterable[str], media_type: str) -> Json:
    return {
        "@type": "cr:FileSet",
        "@id": "tables",
        "name": "tables",
        "description": "The tables of the version; all have the same columns.",
        "containedIn": [{"@id": found} for found in ids],
        "encodingFormat": media_type,
        "includes": "*",
    }


def _record_set(columns: Iterable[ColumnFact], source: Mapping[str, Any]) -> Json:
    found = list(columns)
    ids = identifiers("rows", [column.name for column in found])
    fields = [{"@id": ids[column.name], **_field(column, source)} for column in found]
    return {"@type": "cr:RecordSet", "@id": "rows", "name": "rows", "field": fields}


def _field(column: ColumnFact, source: Mapping[str, Any]) -> Json:
    item = _LIST.fullmatch(column.type)
    array = {"isArray": True, "arrayShape": "-1"} if item else {}
    return {
        "@type": "cr:Field",
        "name": column.name,
        "dataType": data_type(item["item"] if item else column.type),
        **array,
        "source": {**source, "extract": {"column": column.name}},
    }


def identifiers(prefix: str, names: Iterable[str]) -> dict[str, str]:
    """Return an `@id` for each name; the plain ones are readable, the others are numbered.

    Loaders refuse an `@id` with a space in it, encoded or not.
    """
    return {
        name: f"{prefix}/{name}" if _PLAIN.fullmatch(name) else f"{prefix}/~{index}"
        for index, name in enumerate(names)
    }


def data_type(arrow: str) -> str:
    """Return the schema.org type nearest to an Arrow type; text for all that has none."""
    for pattern, found in _TYPES:
        if re.fullmatch(pattern, arrow.strip()):
            return found
    return "sc:Text"
