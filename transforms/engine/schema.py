"""The published JSON Schema of pipeline documents: `python -m transforms.engine.schema PATH`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from transforms.engine.spec import document_schema


def dump() -> str:
    """Return the schema file's text; it changes only when an operator's parameters do."""
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Fairmesh pipeline",
        "description": "A declared transformation of one data product into another.",
    }
    return json.dumps({**head, **document_schema()}, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(dump(), encoding="utf-8")
