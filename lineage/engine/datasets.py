"""Datasets of an event: which node each is, and what its facets tell of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from core.errors import InvalidName
from core.names import MARKER, Name
from lineage.engine.facts import NodeDetail, NodeKey, NodeKind
from lineage.engine.reading import (
    MAX_NAME,
    MAX_NAMESPACE,
    MAX_PART,
    OddEvent,
    as_list,
    as_name,
    as_object,
    as_prose,
)

MAX_COLUMNS = 2000
_NUMBER = re.compile(r"(?:v=)?([1-9][0-9]{0,17})")


@dataclass(frozen=True, slots=True)
class DatasetRef:
    """One dataset as an event names it; `version` only when the event says which one."""

    dataset: NodeKey
    version: NodeKey | None
    facets: Mapping[str, object]


def mesh_namespace(mesh: str) -> str:
    return f"fairmesh://{mesh}"


def read_dataset(raw: object, where: str, namespace: str) -> DatasetRef:
    """Return the dataset in `raw`. `namespace` is our own.

    In our namespace a name must be one of a product, version or file; a file stands for its
    version. Raises OddEvent.
    """
    value = as_object(raw, where)
    facets = value.get("facets") or {}
    key = dataset_key(value, where)
    facets = as_object(facets, f"{where}.facets")
    if key.namespace == namespace:
        return _own(key, facets, where)
    told = _told_version(facets, where)
    version = NodeKey(NodeKind.VERSION, key.namespace, key.name, told) if told else None
    return DatasetRef(key, version, facets)


def dataset_key(value: Mapping[str, object], where: str) -> NodeKey:
    return NodeKey(
        NodeKind.DATASET,
        as_name(value.get("namespace"), f"{where}.namespace", MAX_NAMESPACE),
        as_name(value.get("name"), f"{where}.name", MAX_NAME),
    )


def _own(key: NodeKey, facets: Mapping[str, object], where: str) -> DatasetRef:
    try:
        name = Name.parse(key.name)
    except InvalidName as error:
        raise OddEvent(f"{where}: {error.detail}") from error
    if name.product is None:
        raise OddEvent(f"{where}: {key.name!r} is a domain, not a product or a version.")
    dataset = NodeKey(NodeKind.DATASET, key.namespace, str(name.product_name))
    number = name.version
    if number is None and (told := _NUMBER.fullmatch(_told_version(facets, where))):
        number = int(told[1])
    if number is None:
        return DatasetRef(dataset, None, facets)
    version = NodeKey(NodeKind.VERSION, key.namespace, dataset.name, f"v={number}")
    return DatasetRef(dataset, version, facets)


def _told_version(facets: Mapping[str, object], where: str) -> str:
    facet = facets.get("version")
    told = facet.get("datasetVersion") if isinstance(facet, dict) else None
    return as_name(told, f"{where}.facets.version", MAX_PART) if told else ""


def read_detail(facets: Mapping[str, object], where: str) -> NodeDetail:
    """Return what the schema and documentation facets tell; raise OddEvent when they are odd."""
    attrs: dict[str, object] = {}
    if "schema" in facets:
        schema = as_object(facets["schema"], f"{where}.schema")
        fields = as_list(schema.get("fields"), f"{where}.schema.fields")[:MAX_COLUMNS]
        attrs["fields"] = [_read_field(field, f"{where}.schema.fields") for field in fields]
    documentation = facets.get("documentation")
    if isinstance(documentation, dict):
        attrs["description"] = as_prose(documentation.get("description"))
    told = facets.get("fairmeshVersion")
    if isinstance(told, dict):
        attrs |= {key: as_prose(told[key]) for key in ("digest", "run") if key in told}
    return NodeDetail(attrs=attrs)


def _read_field(raw: object, where: str) -> dict[str, str]:
    field = as_object(raw, where)
    name = as_name(field.get("name"), f"{where}.name", MAX_PART)
    return {"name": name, "type": as_prose(field.get("type"))}


def read_symlinks(facets: Mapping[str, object], where: str) -> list[NodeKey]:
    """Return the other names of a dataset."""
    if "symlinks" not in facets:
        return []
    facet = as_object(facets["symlinks"], f"{where}.symlinks")
    identifiers = as_list(facet.get("identifiers"), f"{where}.symlinks.identifiers")
    return [
        dataset_key(as_object(raw, f"{where}.symlinks.identifiers"), f"{where}.symlinks")
        for raw in identifiers
    ]


def products_in(namespace: str, name: str, own: str) -> tuple[str, ...]:
    """Return the products that a dataset's name may tell of, so that a hidden one stays hidden.

    In our namespace that is the product itself. Elsewhere it is what an object key of ours below
    an unknown prefix can mean: `lake/acme/nlp/~/wiki/v=3` may hold `/lake/acme/nlp/~/wiki`,
    `/acme/nlp/~/wiki` or `/nlp/~/wiki`. Empty: the name tells of no product.
    """
    if namespace == own:
        return (name,)
    parts = name.strip("/").split("/")
    if MARKER not in parts:
        return ()
    at = parts.index(MARKER)
    product = "/".join(parts[at : at + 2])
    return tuple(f"/{'/'.join(parts[start:at])}/{product}" for start in range(at))
