"""What a contract says of sensitivity: the classifications of an ODCS document, as labels.

Source: Open Data Contract Standard 3.1 (Bitol), `classification` of schema objects and properties.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

LEVELS = ("public", "internal", "confidential", "restricted")
_LABEL = re.compile(r"[a-z0-9][a-z0-9-]{0,30}:[a-z0-9][a-z0-9._-]{0,60}")
_NO_WORD = re.compile(r"[^a-z0-9._-]+")
_LONGEST_COLUMN = 300
_DEEPEST = 20

Labels = dict[tuple[str, str], str]
"""(column, label) → where in the document it is said; no column: the product."""


def problems_of(document: object) -> list[dict[str, str]]:
    """Return what keeps a document from being a contract, each with the place."""
    if not isinstance(document, Mapping):
        return [{"where": "", "message": "A contract is a document: an object."}]
    found = []
    for key in ("apiVersion", "kind"):
        if not isinstance(document.get(key), str):
            found.append({"where": key, "message": "It is required, and a text."})
    if document.get("kind") not in (None, "DataContract"):
        found.append({"where": "kind", "message": "It must be DataContract."})
    schema = document.get("schema", [])
    if not isinstance(schema, Sequence) or isinstance(schema, str):
        found.append({"where": "schema", "message": "It is a list of objects."})
    else:
        for at, table in enumerate(schema):
            found += _problems(table, f"schema[{at}]", 0)
    return found


def _problems(raw: object, where: str, depth: int) -> Iterator[dict[str, str]]:
    if not isinstance(raw, Mapping) or not isinstance(raw.get("name", ""), str):
        yield {"where": where, "message": "It is an object with a name."}
        return
    if not isinstance(raw.get("classification", ""), str):
        yield {"where": f"{where}.classification", "message": "It is a text."}
    properties = raw.get("properties", [])
    if depth >= _DEEPEST or not isinstance(properties, list):
        yield {"where": f"{where}.properties", "message": "It is a list, not too deep."}
        return
    for at, each in enumerate(properties):
        yield from _problems(each, f"{where}.properties[{at}]", depth + 1)
    if "items" in raw:
        yield from _problems(raw["items"], f"{where}.items", depth + 1)


def labels_in(document: Mapping[str, object]) -> Labels:
    """Return the labels of a document that has no problems.

    `confidential` becomes `sensitivity:confidential`, `pii:email` stays, another word becomes
    `classification:<word>`. What is said of a nested property holds for its whole column.
    """
    found: Labels = {}
    _say(found, "", document, "")
    for at, table in enumerate(_list(document.get("schema"))):
        where = f"schema[{at}]"
        _say(found, "", table, where)
        for number, each in enumerate(_list(table.get("properties"))):
            column = str(each.get("name", ""))
            column = column if len(column) <= _LONGEST_COLUMN else ""
            _walk(found, column, each, f"{where}.properties[{number}]")
    return found


def _walk(found: Labels, column: str, raw: Mapping[str, object], where: str) -> None:
    _say(found, column, raw, where)
    for at, each in enumerate(_list(raw.get("properties"))):
        _walk(found, column, each, f"{where}.properties[{at}]")
    items = raw.get("items")
    if isinstance(items, Mapping):
        _walk(found, column, items, f"{where}.items")


def _list(raw: object) -> list[Mapping[str, object]]:
    return [each for each in raw if isinstance(each, Mapping)] if isinstance(raw, list) else []


def _say(found: Labels, column: str, raw: Mapping[str, object], where: str) -> None:
    told = raw.get("classification")
    if isinstance(told, str) and (label := _label(told)):
        found.setdefault((column, label), f"{where}.classification".lstrip("."))
    tags = raw.get("tags")
    for tag in tags if isinstance(tags, list) else ():
        if isinstance(tag, str) and _LABEL.fullmatch(tag):
            found.setdefault((column, tag), f"{where}.tags".lstrip("."))


def _label(told: str) -> str:
    text = told.strip().lower()
    if _LABEL.fullmatch(text):
        return text
    if text in LEVELS:
        return f"sensitivity:{text}"
    word = _NO_WORD.sub("-", text).strip("-._")[:60]
    return f"classification:{word}" if word else ""
