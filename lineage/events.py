"""What lineage hears: a published version takes its place in the graph."""

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


outbox.subscribe("version.published", version_published)
