"""What lineage hears: a version is published, a product moves to another name."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from core import outbox
from lineage import openlineage, services


def version_published(payload: dict[str, Any]) -> None:
    """Record the version and what its publisher says it is made from; again changes nothing."""
    version = openlineage.DatasetUse(
        payload["version"],
        columns=tuple((column["name"], column["type"]) for column in payload["schema"]),
        digest=payload["digest"],
    )
    services.record(
        openlineage.published(
            version,
            datetime.fromisoformat(payload["at"]),
            [each["name"] for each in payload["inputs"]],
            payload["principal"],
        )
    )


def product_moved(payload: dict[str, Any]) -> None:
    services.rename_product(payload["from"], payload["name"])


outbox.subscribe("product.moved", product_moved)
outbox.subscribe("version.published", version_published)
