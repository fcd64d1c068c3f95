"""Does the audit log keep up? Appending beside what the API can do, and verifying a million.

Append: `audit.record`, as an act calls it, with a transaction around 50 of them, and the
sequencer's work on each. The peer is the same process doing acts through the whole HTTP stack
(middleware, token, decision, service, database, JSON): labels put on and taken off, each of which
appends itself.
Verify: the client on an export of a million entries, from opening the file to its report.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import django

from benchmarks.harness import Figure, finish, in_turns, options, paired, print_conditions, spread

_HOME = tempfile.TemporaryDirectory(prefix="fairmesh-audit-")
(Path(_HOME.name) / "static").mkdir()  # WhiteNoise warns when it is not there
os.environ["FAIRMESH_HOME"] = _HOME.name
os.environ.setdefault("DATABASE_URL", f"sqlite://{_HOME.name}/audit.sqlite3")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

# Django must be set up before its models can be imported.
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test import Client  # noqa: E402
from fairmesh.audit import verify_log  # noqa: E402
from fairmesh.seal import Anchor  # noqa: E402
from fairmesh.tree import Checkpoint as Earlier  # noqa: E402

from catalog.services import create_domain, create_product  # noqa: E402
from core import merkle, outbox  # noqa: E402
from core.notes import Checkpoint, sign_checkpoint  # noqa: E402
from core.seal import Signer  # noqa: E402
from core.tiles import WIDTH  # noqa: E402
from governance import audit, audit_reading  # noqa: E402
from governance.audit_reading import EXPORT_FORMAT  # noqa: E402
from governance.engine.entities import Decision, Principal  # noqa: E402
from governance.models import AuditEntry, User  # noqa: E402
from governance.selectors import principal_for  # noqa: E402
from governance.services import create_team, create_user, issue_token, sequence  # noqa: E402
from governance.services.sequencer import origin  # noqa: E402

ACTS, QUICK_ACTS = 300, 20
APPENDS, QUICK_APPENDS = 3000, 200
ENTRIES, QUICK_ENTRIES = 1_000_000, 10_000
APPEND_GOAL = 20
VERIFY_SECONDS = 10.0
WIKI = "/acme/~/wiki"


def main() -> int:
    asked = options(__doc__, pairs=5)
    acts, appends, entries = (
        (QUICK_ACTS, QUICK_APPENDS, QUICK_ENTRIES) if asked.quick else (ACTS, APPENDS, ENTRIES)
    )
    call_command("migrate", verbosity=0)
    outbox._doorbells.clear()  # there is no broker here, and none is measured
    api, ana = found_mesh()
    print_conditions(
        asked,
        f"{acts} acts and {appends} appends a pair, {entries} entries, {connection.vendor}, "
        "one process, one thread",
        ("django", "djangorestframework", "rfc8785", "cryptography"),
    )
    do(api, 4)
    pairs = in_turns(asked.pairs, lambda _: append(ana, appends), lambda _: do(api, acts))
    print(spread("audit_append", pairs))
    figures = [paired("audit_append", "entries/s", pairs, APPEND_GOAL)]
    figures.append(verify(entries))
    return finish(figures, judge=not asked.quick)


def found_mesh() -> tuple[Client, Principal]:
    """Return a client that carries Ana's token, and Ana, who owns a product."""
    founder = Principal("service.founder", groups=frozenset({"operators"}))
    user = create_user(founder, username="ana", password="correct horse battery")
    create_team(founder, slug="acme", title="Acme", members=[{"username": "ana", "role": "owner"}])
    create_domain(founder, name="/acme", title="Acme", team="acme")
    ana = principal_for(User.objects.get(pk=user.pk))
    create_product(ana, name=WIKI, title="Wiki")
    token = issue_token(user, ana, title="benchmark", days=1, scopes=None)[1]
    return Client(headers={"Authorization": f"Bearer {token}", "Host": "localhost"}), ana


def do(api: Client, count: int) -> float:
    """Return acts a second through the API, a label put on and taken off in turns.

    So the product stays as it is, and the last act costs what the first one did.
    """
    before = AuditEntry.objects.count()
    label = {"name": WIKI, "label": "topic:b", "column": "c"}
    began = time.perf_counter()
    for _ in range(count // 2):
        made = api.post("/api/v1/labels", label, "application/json")
        taken = api.delete(f"/api/v1/labels/{made.json()['id']}")
        assert (made.status_code, taken.status_code) == (201, 204)
    seconds = time.perf_counter() - began
    assert AuditEntry.objects.count() == before + count, "each act has left its entry"
    return count / seconds


def append(ana: Principal, count: int) -> float:
    """Return entries a second, appended and given their place in the tree."""
    sequence()
    decision = Decision(True, ("owners-manage",), "", "sha256:" + "0" * 64)
    began = time.perf_counter()
    for _ in range(0, count, 50):
        with transaction.atomic():
            for number in range(50):
                audit.record(ana, "add-label", WIKI, decision, label="topic:b", column=f"c{number}")
    sequenced = sequence()
    seconds = time.perf_counter() - began
    assert sequenced == count
    return count / seconds


def verify(entries: int) -> Figure:
    """Return the seconds that the client takes, history included; the goal is on the peer's."""
    signer = Signer.generate()
    path = Path(_HOME.name) / "export.jsonl"
    known = write_export(path, entries, signer)
    print(f"export: {path.stat().st_size / 1e6:.0f} MB")
    began = time.perf_counter()
    report = verify_log(path, Anchor(signer.public), known)
    seconds = time.perf_counter() - began
    assert (report.require().size, report.since) == (entries, known.size)
    ratio = VERIFY_SECONDS / seconds
    return Figure("audit_verify", seconds, "s", VERIFY_SECONDS, ratio, 1)


def write_export(path: Path, entries: int, signer: Signer) -> Earlier:
    """Write an export as the server does; return a checkpoint of two thirds of it."""
    hashes = []
    with path.open("wb") as file:
        file.write(line_of({"format": EXPORT_FORMAT, "origin": origin(), "size": entries}))
        for entry in entry_lines(entries):
            file.write(entry + b"\n")
            hashes.append(merkle.leaf_hash(entry))
        for tile in range(-(-entries // WIDTH)):
            told = b"".join(hashes[tile * WIDTH : (tile + 1) * WIDTH])
            file.write(line_of({"tile": tile, "leaves": base64.b64encode(told).decode()}))
        file.write(line_of({"checkpoint": signed(signer, hashes)}))
    return Earlier.read(signed(signer, hashes[: entries * 2 // 3]))


def entry_lines(count: int) -> Iterator[bytes]:
    """Yield entries of the size of real ones: one real entry with another number in each."""
    line = next(audit_reading.leaf_lines(0, 1))
    begin, end = line.split(b'"detail":{', 1)
    for number in range(count):
        yield b'%b"detail":{"column":"c%07d",%b' % (begin, number, end)


def signed(signer: Signer, hashes: Sequence[bytes]) -> str:
    checkpoint = Checkpoint(origin(), len(hashes), merkle.root_of(hashes))
    return sign_checkpoint(signer, checkpoint)


def line_of(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


if __name__ == "__main__":
    sys.exit(main())
