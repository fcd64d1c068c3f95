"""From counts to labels: thresholds, and what stewards have said of earlier finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from governance.engine.scan.detectors import BY_ID, Detector
from governance.engine.scan.tally import ColumnTally, Tally, wilson

MARGIN = 0.05
"""How far above the rejected rate the whole interval must lie before a label comes back."""


class Verdict(StrEnum):
    CONFIRM = "confirm"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Said:
    """What a steward said last of one detector in one column, and the rate it was said about."""

    verdict: Verdict
    major: int
    """The first number of the detector's version: another detector is another question."""
    rate: float


Verdicts = Mapping[tuple[str, str], Said]
"""By column and detector."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one detector found in one column, whether that makes a label, and why."""

    column: str
    detector: str
    version: str
    label: str
    candidates: int
    matches: int
    rate: float
    low: float
    high: float
    labelled: bool
    reason: str

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def judge(tally: Tally, verdicts: Verdicts) -> list[Finding]:
    """Return what was found, by column and detector; what only looked right is found 0 times."""
    return [
        _finding(name, column, BY_ID[detector], verdicts.get((name, detector)))
        for name, column in sorted(tally.columns.items())
        for detector in sorted(column.counts)
        if detector in BY_ID
    ]


def _finding(name: str, column: ColumnTally, detector: Detector, said: Said | None) -> Finding:
    count = column.counts[detector.id]
    rate = count.matches / max(column.values, 1)
    low, high = wilson(count.matches, column.values)
    share = count.matches / max(count.candidates, 1)
    labelled, reason = _decide(detector, detector.is_hinted_by(name), said, (rate, low, share))
    if not count.matches:
        labelled, reason = False, "looks right, fails the check"
    elif count.matches < detector.threshold.matches and not _confirmed(said, detector):
        labelled, reason = False, f"fewer than {detector.threshold.matches} matches"
    return Finding(
        name, detector.id, detector.version, detector.label, count.candidates, count.matches,
        rate, low, high, labelled, reason,
    )  # fmt: skip


def _confirmed(said: Said | None, detector: Detector) -> bool:
    return said is not None and said.verdict is Verdict.CONFIRM and said.major == detector.major


def _decide(
    detector: Detector, hinted: bool, said: Said | None, seen: tuple[float, float, float]
) -> tuple[bool, str]:
    """Return whether the shares seen make a label, and the rule that says so."""
    rate, low, share = seen
    asked = detector.threshold
    if _confirmed(said, detector):
        return True, "confirmed before; one match is enough"
    rejected = said is not None and said.major == detector.major
    if said is not None and rejected and low <= said.rate + MARGIN:
        return False, f"rejected at a rate of {said.rate:.4f}, and not {MARGIN} above it"
    if share < asked.share:
        return False, f"only {share:.2f} of what looks right is; {asked.share} is asked"
    least = asked.hinted_rate if hinted else asked.rate
    if rate < least:
        return False, f"a rate of {rate:.4f}; {least} is asked"
    if rejected:
        return True, "above the rate at which it was rejected, by more than the margin"
    return True, "above the threshold" + (" of a column of that name" if hinted else "")
