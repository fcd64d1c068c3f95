"""What lineage hears: a version is published, a product moves, labels or scans change."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from core import outbox
from governance import simulations
from lineage import foresight, openlineage, services
from lineage.labelling import settle_labels, settle_products


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
            payload.get("run", ""),
        )
    )


def product_moved(payload: dict[str, Any]) -> None:
    services.rename_product(payload["from"], payload["name"])


def lineage_changed(payload: dict[str, Any]) -> None:
    """Have what is made from other things than before inherit from these."""
    settle_labels(payload["nodes"])


def label_changed(payload: dict[str, Any]) -> None:
    """Have everything downstream follow, unless lineage itself has just settled it."""
    if not payload.get("settled"):
        settle_products([payload["name"]])


def scan_done(payload: dict[str, Any]) -> None:
    """A scan that finds nothing behind a mask lowers; one that finds something takes it back."""
    settle_products([payload["name"]])


outbox.subscribe("label.changed", label_changed)
outbox.subscribe("lineage.changed", lineage_changed)
outbox.subscribe("product.moved", product_moved)
outbox.subscribe("scan.done", scan_done)
outbox.subscribe("version.published", version_published)
simulations.register("derived", foresight.derived)
