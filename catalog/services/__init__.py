"""Writes of the catalog, one verb a function. Import what you need from here."""

from catalog.services.contracts import set_contract
from catalog.services.products import create_domain, create_product, move_product, update_product
from catalog.services.removal import abort_draft, tombstone_version
from catalog.services.versions import ColumnFlow, add_draft_file, open_version, publish_version

__all__ = [
    "ColumnFlow",
    "abort_draft",
    "add_draft_file",
    "create_domain",
    "create_product",
    "move_product",
    "open_version",
    "publish_version",
    "set_contract",
    "tombstone_version",
    "update_product",
]
