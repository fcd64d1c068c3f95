"""Verifies the audit log from an export or from a store's copy, with nothing but the anchor.

The forms and the steps are those of docs/reference/audit.md.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from fairmesh.errors import UsageError, VerificationFailed
from fairmesh.seal import Anchor
from fairmesh.tree import Checkpoint, continues, includes, leaf_hash, root_of

FORMAT = "fairmesh-audit/1"
_TILE = 256
_NAMED = 100
"""How many wrong entries are named; there may be a million."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as signed."""

    path: str
    reason: str
    """checkpoint, truncated, altered, root, tile, commitment, cut or rewritten."""
    detail: str


@dataclass
class LogReport:
    """What a verification found; the log is whole when there is no problem."""

    source: str
    origin: str = ""
    size: int = 0
    root: str = ""
    clear: int = 0
    """Commitments that were opened and hold."""
    since: int | None = None
    """The size of the earlier checkpoint that the log was compared with."""
    problems: list[Problem] = field(default_factory=list)
    checkpoint: Checkpoint | None = field(default=None, repr=False)

    @property
    def ok(self) -> bool:
        return not self.problems

    def as_json(self) -> Json:
        found = {key: value for key, value in asdict(self).items() if key != "checkpoint"}
        return {"ok": self.ok, **found}

    def require(self) -> LogReport:
        """Return the report when all is well; raise VerificationFailed with it otherwise."""
        if self.problems:
            first = self.problems[0]
            more = f" ({len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
            raise VerificationFailed(f"{first.path}: {first.detail}{more}", self.as_json())
        return self

    def note(self, path: str, reason: str, detail: str) -> None:
        self.problems.append(Problem(path, reason, detail))


def verify_log(
    path: Path, anchor: Anchor, remembered: Checkpoint | None = None, *, latest: bool = False
) -> LogReport:
    """Return everything that is wrong with an export, or with a store's folder `.audit`.

    `remembered` is an earlier checkpoint that the log must begin with; with `latest`, the log may
    not be shorter than it either. Reads every byte once. Raises UsageError when `path` is neither.
    """
    report = LogReport(str(path))
    leaves = _from_store(path, anchor, report) if path.is_dir() else _export(path, anchor, report)
    if report.checkpoint is not None:
        report.origin, report.size = report.checkpoint.origin, report.checkpoint.size
        report.root = report.checkpoint.root.hex()
        _check_root(leaves, report.checkpoint, report)
    if remembered is not None and report.ok:
        _check_history(leaves, remembered, latest, report)
    return report


def _check_root(leaves: Sequence[bytes], checkpoint: Checkpoint, report: LogReport) -> None:
    if len(leaves) != checkpoint.size:
        detail = f"It holds {len(leaves)} entries, the checkpoint counts {checkpoint.size}."
        report.note("entries", "truncated", detail)
    elif root_of(leaves) != checkpoint.root:
        detail = "The entries do not hash to the root that is signed."
        report.note("entries", "root", detail)
    elif any(problem.reason == "altered" for problem in report.problems):
        report.note("tiles", "tile", "The entries are as signed, but the tree is kept wrongly.")


def _check_history(
    leaves: Sequence[bytes], remembered: Checkpoint, latest: bool, report: LogReport
) -> None:
    if remembered.origin != report.origin:
        raise UsageError(f"The earlier checkpoint is of {remembered.origin}, not {report.origin}.")
    if remembered.size > report.size:
        if latest:
            detail = f"It had {remembered.size} entries before, and now {report.size}."
            report.note("entries", "cut", detail)
        return
    report.since = remembered.size
    if root_of(leaves[: remembered.size] if remembered.size else []) != remembered.root:
        detail = f"The first {remembered.size} entries are not those that were signed before."
        report.note("entries", "rewritten", detail)


# -- an export


def _export(path: Path, anchor: Anchor, report: LogReport) -> list[bytes]:
    try:
        with path.open("rb") as file:
            return _read_export(file, anchor, report)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} is not an export of an audit log: {error}.") from error


def _read_export(file: BinaryIO, anchor: Anchor, report: LogReport) -> list[bytes]:
    head = json.loads(file.readline())
    if head["format"] != FORMAT:
        raise UsageError(f"The export has the format {head['format']!r}, not {FORMAT!r}.")
    leaves = _hashed(islice(file, int(head["size"])))
    altered: list[int] = []
    for line in file:
        told = _tail(line)
        if "tile" in told:
            altered += _unlike(leaves, told)
        elif "commitment" in told:
            _check_clear(told, report)
        elif "mismatched" in told:
            altered += told["mismatched"]
        elif "checkpoint" in told:
            _take(told["checkpoint"], anchor, report)
    for position in sorted(set(altered))[:_NAMED]:
        report.note(f"entry {position}", "altered", "It is not what was hashed with the act.")
    if report.checkpoint is None and report.ok:
        report.note("checkpoint", "truncated", "The export ends before its checkpoint.")
    elif report.checkpoint is not None and report.checkpoint.origin != head["origin"]:
        report.note("checkpoint", "checkpoint", "It is the checkpoint of another log.")
    return leaves


def _tail(line: bytes) -> Json:
    """Return a line after the entries; one that was cut off says nothing."""
    try:
        return dict(json.loads(line))
    except ValueError:
        return {}


def _hashed(lines: Iterable[bytes]) -> list[bytes]:
    sha256 = hashlib.sha256
    return [sha256(b"\x00" + line.removesuffix(b"\n")).digest() for line in lines]


def _unlike(leaves: Sequence[bytes], told: Json) -> list[int]:
    """Return the positions at which the tree holds another hash than the entry has."""
    start = int(told["tile"]) * _TILE
    kept = base64.b64decode(told["leaves"], validate=True)
    ours = leaves[start : start + _TILE]
    if b"".join(ours) == kept:
        return []
    theirs = [kept[at : at + 32] for at in range(0, len(kept), 32)]
    pairs = zip(ours, theirs, strict=False)
    return [start + at for at, (one, other) in enumerate(pairs) if one != other]


def _check_clear(told: Json, report: LogReport) -> None:
    digest = hashlib.sha256(bytes.fromhex(told["salt"]) + str(told["value"]).encode()).hexdigest()
    if digest == told["commitment"]:
        report.clear += 1
        return
    detail = f"{told['value']!r} is not what was committed to."
    report.note(f"commitment {told['commitment']}", "commitment", detail)


def _take(note: str, anchor: Anchor, report: LogReport) -> None:
    try:
        report.checkpoint = Checkpoint.read(note, anchor)
    except VerificationFailed as error:
        report.note("checkpoint", "checkpoint", error.detail)


# -- a store's copy


def _from_store(folder: Path, anchor: Anchor, report: LogReport) -> list[bytes]:
    try:
        _take((folder / "checkpoint").read_text(), anchor, report)
    except OSError as error:
        raise UsageError(f"{folder} holds no checkpoint; it is not a log's copy.") from error
    size = 0 if report.checkpoint is None else report.checkpoint.size
    leaves: list[bytes] = []
    while len(leaves) < size:
        more = _next_entries(folder / "entries", len(leaves))
        if not more:
            break
        leaves += more
    return leaves[:size]


def _next_entries(folder: Path, position: int) -> list[bytes]:
    """Return the leaf hashes of the longest file that begins at `position`."""
    found = sorted(folder.glob(f"{position:012d}-*"))
    if not found:
        return []
    with found[-1].open("rb") as file:
        return _hashed(file)


# -- proofs


def check_inclusion(told: Json, anchor: Anchor) -> Json:
    """Return the entry that the API's proof shows to be in the log; raise VerificationFailed."""
    checkpoint, proof = _signed(told, anchor)
    leaf = leaf_hash(told["entry"].encode())
    if told["size"] != checkpoint.size:
        raise VerificationFailed("The proof is for another size than the checkpoint's.")
    if not includes(leaf, told["position"], checkpoint.size, proof, checkpoint.root):
        raise VerificationFailed("The proof does not lead from the entry to the signed root.")
    report = LogReport("proof")
    for clear in told["clear"]:
        _check_clear(clear, report)
    report.require()
    return dict(json.loads(told["entry"]))


def check_consistency(told: Json, anchor: Anchor, remembered: Checkpoint) -> Checkpoint:
    """Return the newer checkpoint that the API's proof shows to continue the remembered one."""
    checkpoint, proof = _signed(told, anchor)
    sizes = remembered.size, checkpoint.size
    if not continues(*sizes, remembered.root, checkpoint.root, proof):
        raise VerificationFailed(
            f"The log of {checkpoint.size} entries does not begin with the {remembered.size} that "
            "were signed before: its history was rewritten."
        )
    return checkpoint


def _signed(told: Json, anchor: Anchor) -> tuple[Checkpoint, list[bytes]]:
    try:
        note, proof = str(told["checkpoint"]["note"]), [bytes.fromhex(h) for h in told["proof"]]
    except (KeyError, TypeError, ValueError) as error:
        raise VerificationFailed("The proof is not in the documented form.") from error
    return Checkpoint.read(note, anchor), proof
