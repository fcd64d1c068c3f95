"""Bytes come in: streamed up and hashed in flight, or registered where they already lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from catalog import services as catalog
from catalog.models import DraftFile, Product, Version, VersionState
from catalog.selectors import product_resource, version_by_id
from core.digests import FileHasher, hash_stream
from core.errors import Conflict, DigestMismatch, Invalid, NotFound, UploadIncomplete
from core.manifest import FileEntry
from core.names import Name, check_path
from governance.engine.entities import RECONCILER, Action, Principal, Situation
from governance.services import decide, require
from movement.engine.inspect import Facts, inspect, media_type_of
from movement.engine.placement import SITE_ORDER
from movement.models import Replica, ReplicaOrigin, ReplicaState, SiteState, Store
from movement.objects import buffered
from movement.opening import is_writable, need_writable, open_store
from movement.services.arrivals import arriving, refuse_while_arriving
from movement.services.audit_copies import FOLDER
from movement.services.copies import move_replica
from movement.services.sealing import seal_home
from movement.stores.protocol import Store as ObjectStore

READ_BYTES = 1024 * 1024
MAX_REGISTERED = 1_000_000
Read = Callable[[int], bytes]


@dataclass(frozen=True)
class Announced:
    """What an uploader says of a file before its bytes."""

    path: str
    bytes: int
    sha256: str | None = None
    media_type: str = ""
    store: str = ""


def receive_file(actor: Principal, version_id: UUID, announced: Announced, read: Read) -> DraftFile:
    """Stream one file of a draft into its store and note it there.

    Memory stays within one part whatever the size. Nothing is kept when the body ends early
    (UploadIncomplete) or hashes to something else than announced (DigestMismatch). Raises
    Conflict while the same path is sent by another request, and once the version is sealed.
    """
    version = version_by_id(actor, Action.PUBLISH, version_id)
    check_path(announced.path)
    home = draft_home(actor, version, announced.store, ReplicaOrigin.UPLOAD)
    store, key = open_store(home.store), home.base + announced.path
    media_type = announced.media_type or media_type_of(announced.path)
    hasher = FileHasher()
    with (
        arriving(version, announced.path) as receiving,
        store.writer(key, media_type=media_type, total_bytes=announced.bytes) as writer,
    ):
        left = announced.bytes
        while left and (piece := read(min(READ_BYTES, left))):
            hasher.update(piece)
            writer.write(piece)
            left -= len(piece)
            receiving.still_here()
        sha256, chunks = hasher.finish()
        _check_body(announced, hasher.bytes, sha256)
        receiving.take_the_place()
        writer.commit(sha256)
        facts = inspect(media_type, hasher.bytes, lambda: buffered(store, key, hasher.bytes))
        entry = FileEntry(announced.path, hasher.bytes, sha256, media_type, facts.rows, chunks)
        try:
            return catalog.add_draft_file(version, entry, facts.schema)
        except NotFound:  # given up meanwhile: its bytes are nobody's
            store.delete(key)
            raise


def _check_body(announced: Announced, received: int, sha256: str) -> None:
    if received != announced.bytes:
        raise UploadIncomplete(
            f"{announced.path!r}: {announced.bytes} bytes were announced and {received} came; "
            "nothing was kept. Send the file again.",
            path=announced.path,
            announced=announced.bytes,
            received=received,
        )
    if announced.sha256 is not None and announced.sha256 != sha256:
        raise DigestMismatch(
            f"{announced.path!r} hashes to sha256:{sha256}, announced was "
            f"sha256:{announced.sha256}; nothing was kept.",
            path=announced.path,
            expected=announced.sha256,
            found=sha256,
        )


def register_objects(
    actor: Principal, version_id: UUID, *, store: str, prefix: str
) -> tuple[int, int]:
    """Note every object below `prefix` as a file of the draft, without moving it.

    Each is read once to be hashed; a file's path is its key less the prefix. Returns (files,
    bytes). Costs one read of the data.
    """
    version = version_by_id(actor, Action.PUBLISH, version_id)
    base = prefix.strip("/") + "/"
    if base == "/":
        raise Invalid("Name the prefix below which the objects lie.", prefix=prefix)
    if base.startswith(f"{FOLDER}/"):
        raise Invalid("The mesh's audit log lies there; it is no data product.", prefix=prefix)
    home = draft_home(actor, version, store, ReplicaOrigin.REGISTERED, base)
    objects = open_store(home.store)
    entries = list(_hashed(objects, base))
    if not entries:
        _give_up_home(home)
        raise NotFound(f"The store {store} holds no object below {base!r}.", prefix=base)
    with transaction.atomic():
        for entry, facts in entries:
            catalog.add_draft_file(version, entry, facts.schema)
    return len(entries), sum(entry.bytes for entry, _ in entries)


def _hashed(store: ObjectStore, base: str) -> Iterator[tuple[FileEntry, Facts]]:
    for count, found in enumerate(store.list(base)):
        if count >= MAX_REGISTERED:
            raise Invalid(f"One version registers at most {MAX_REGISTERED} objects.")
        if found.key.startswith(base + ".fairmesh/"):
            continue  # the seal that an earlier publication left there
        path = check_path(found.key.removeprefix(base))
        file = buffered(store, found.key, found.bytes)
        with file:
            size, sha256, chunks = hash_stream(iter(partial(file.read, READ_BYTES), b""))
        media_type = media_type_of(path)
        facts = inspect(media_type, size, partial(buffered, store, found.key, size))
        yield FileEntry(path, size, sha256, media_type, facts.rows, chunks), facts


@transaction.atomic
def publish(
    actor: Principal,
    version_id: UUID,
    *,
    inputs: Sequence[str] = (),
    run: str = "",
    purpose: str = "",
    columns: Mapping[str, catalog.ColumnFlow] | None = None,
) -> Version:
    """Seal a draft and make its gathered bytes the first replica, in one transaction.

    `columns` tells of each input which of its columns flow where, so that labels go there alone.
    Raises Conflict while a file is on its way, and for the draft of a run that still writes it.
    """
    version_by_id(actor, Action.PUBLISH, version_id)
    Version.objects.select_for_update().get(pk=version_id)
    refuse_while_arriving(version_id)
    homes = Replica.objects.select_related("version", "store__site")
    home = homes.filter(version=version_id, state=ReplicaState.COPYING).first()
    if home is not None and home.origin == ReplicaOrigin.RUN and not run:
        raise Conflict("A run writes this version and publishes it when it is done.")
    if home is not None:
        require_place(actor, home.version, home.store)
    version = catalog.publish_version(
        actor, version_id, inputs=inputs, run=run, purpose=purpose, columns=columns
    )
    gathered = Replica.objects.filter(version=version, state=ReplicaState.COPYING)
    if move_replica(gathered, ReplicaState.COMPLETE, verified_at=timezone.now()):
        transaction.on_commit(lambda: seal_home(version.pk))
    return version


def abort_version(actor: Principal, version_id: UUID) -> None:
    """Give up a draft. Uploaded bytes are removed; registered ones stay where they lay."""
    homes = list(Replica.objects.select_related("store").filter(version_id=version_id))
    with transaction.atomic():
        paths = catalog.abort_draft(actor, version_id)
    for home in homes:
        if home.origin == ReplicaOrigin.REGISTERED:
            continue
        store = open_store(home.store)
        for path in paths:
            store.delete(home.base + path)


def draft_home(
    actor: Principal, version: Version, store: str, origin: ReplicaOrigin, base: str | None = None
) -> Replica:
    """Return where the draft gathers its bytes, chosen at its first file."""
    if version.state != VersionState.DRAFT:
        raise Conflict(f"{version.name} is {version.state}; a published version never changes.")
    base = base if base is not None else Name.parse(version.name).to_object_key() + "/"
    with transaction.atomic():  # files that come at the same time must agree on one place
        Version.objects.select_for_update().get(pk=version.pk)
        home = Replica.objects.select_related("store").filter(version=version).first()
        if home is None:
            home = Replica.objects.create(
                version=version,
                store=_permitted_store(actor, version, store, origin),
                origin=origin,
                base=base,
                state=ReplicaState.COPYING,
            )
    if home.origin != origin or home.base != base or store not in {"", home.store.name}:
        raise Conflict(
            f"{version.name} gathers its files at {home.store.name} under {home.base!r}; one "
            "version begins in one place."
        )
    require_place(actor, version, home.store)
    return home


def require_place(actor: Principal, version: Version, store: Store) -> None:
    """Raise unless the version may lie in `store` by the labels and policies of this moment.

    Asked for every file and when the draft is sealed: a label or a policy may have come since the
    first file chose the place. Whoever seals need not be who chose it: where the mesh itself may
    copy the product, it may lie.
    """
    product = Product.objects.select_related("domain__team").get(pk=version.product_id)
    resource, place = product_resource(product), situation_of(store)
    if not decide(RECONCILER, Action.REPLICATE, resource, place).allow:
        require(actor, Action.REPLICATE, resource, place)


def _give_up_home(home: Replica) -> None:
    if not home.version.draft_files.exists():
        home.delete()


def _permitted_store(actor: Principal, version: Version, name: str, origin: ReplicaOrigin) -> Store:
    """Return the named store, or the first in which policies let the product lie."""
    resource = product_resource(version.product)
    stores = Store.objects.select_related("site")
    if name:
        store = stores.filter(name=name).first()
        if store is None:
            raise NotFound(f"There is no store {name!r}.")
        require(actor, Action.REPLICATE, resource, situation_of(store))
        if store.quarantined_at is not None:
            raise Conflict(f"{name} is in quarantine: nothing is placed there. Choose another.")
        if origin != ReplicaOrigin.REGISTERED:
            need_writable(store)
        return store
    online = stores.filter(
        site__state=SiteState.ONLINE, reachable=True, quarantined_at__isnull=True
    )
    writable = [store for store in online if is_writable(store)]
    for store in sorted(writable, key=lambda s: (SITE_ORDER[s.site.kind], s.name)):
        if decide(actor, Action.REPLICATE, resource, situation_of(store)).allow:
            return store
    raise Conflict(f"No store that answers may hold {version.product.name}; ask an operator.")


def situation_of(store: Store) -> Situation:
    """Return the situation of placing something in a store."""
    return Situation(site=store.site.name, jurisdictions=frozenset(store.site.jurisdictions))
