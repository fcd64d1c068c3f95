"""The seal beside the bytes: a bucket or a folder is verified without us, by `fairmesh verify`.

Source: docs/reference/seal.md; the layout is the one a client fetches into.
"""

from __future__ import annotations

import json
import logging
from uuid import UUID

from catalog.models import Version
from catalog.selectors import seal_names
from core.digests import sha256_digest
from core.errors import FairmeshError
from governance.services import delegations_for
from movement.models import Replica, ReplicaState
from movement.opening import open_store, told
from movement.stores.protocol import Store as ObjectStore

SEAL_FOLDER = ".fairmesh/"
logger = logging.getLogger(__name__)


def write_manifest(version: Version, store: ObjectStore, base: str) -> None:
    """Write a published version's manifest below `base`: so much is known before its files are in.

    Raises what the store raises.
    """
    folder = base + SEAL_FOLDER
    for shard in version.shards.order_by("index").iterator(chunk_size=1):
        name = f"{shard.digest.removeprefix('sha256:')}.parquet"
        _write(
            store,
            f"{folder}manifest/{name}",
            bytes(shard.data),
            "application/vnd.apache.parquet",
        )


def write_seal(version: Version, store: ObjectStore, base: str) -> None:
    """Write a published version's delegations and seal below `base`, beside its manifest.

    The seal comes last: where it lies, all that it speaks of lies. Raises what the store raises.
    """
    folder = base + SEAL_FOLDER
    delegations = json.dumps(delegations_for(*seal_names(version))).encode()
    _write(store, f"{folder}delegations.json", delegations, "application/json")
    _write(store, f"{folder}seal.json", json.dumps(version.envelope).encode(), "application/json")


def _write(store: ObjectStore, key: str, data: bytes, media_type: str) -> None:
    sha256 = sha256_digest(data).removeprefix("sha256:")
    store.write(key, data, sha256=sha256, media_type=media_type)


def seal_home(version_id: UUID) -> None:
    """Write the seal where a version was published, if the store takes it.

    The bytes are safe and the seal is in the catalog, so a store that fails now costs only the
    convenience; it is logged.
    """
    homes = Replica.objects.select_related("version__product", "store").filter(
        version_id=version_id, state=ReplicaState.COMPLETE
    )
    for home in homes:
        try:
            store = open_store(home.store)
            write_manifest(home.version, store, home.base)
            write_seal(home.version, store, home.base)
        except FairmeshError as error:
            detail = told(home.store, error.detail)
            logger.warning("the seal of %s was not written: %s", home.version, detail)
