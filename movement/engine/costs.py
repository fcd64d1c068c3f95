"""What a copy costs and what it costs to keep, by the prices of links and stores.

Money is in the one unit in which the operators write their prices; a gigabyte is 10^9 bytes.
Pure: a mesh and amounts in, money out.
"""

from __future__ import annotations

from core.digests import CHUNK_BYTES
from movement.engine.mesh import GB, Mesh, StoreView


def requests_for(files: int, bytes: int) -> int:
    """Return how many requests a copy makes at either end: one a file, one more a full chunk.

    A file of several chunks travels as so many parts. Which file is how long is not asked, so this
    is the most it can be, and never more than one a file too many.
    """
    return files + bytes // CHUNK_BYTES


def copy_cost(mesh: Mesh, source: str, target: str, files: int, bytes: int) -> float:
    """Return the money for one copy between two stores: egress, gets there and puts here."""
    from_store, to_store = mesh.stores[source], mesh.stores[target]
    egress = mesh.link(from_store.site.name, to_store.site.name).cost_per_gb * bytes / GB
    prices = from_store.cost_1000_gets + to_store.cost_1000_puts
    return egress + prices * requests_for(files, bytes) / 1000


def storage_cost(store: StoreView, bytes: int, months: float) -> float:
    """Return the money for keeping bytes in a store for so many months."""
    return store.cost_gb_month * bytes / GB * months
