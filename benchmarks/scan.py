"""Scan: six detectors over text, beside Python's `re` row by row, and how often they are right.

Both sides look for the same with the same checks, in one thread, over the labelled sentences that
presidio-evaluator ships, repeated. Its package is wanted for its data alone:
`.venv/bin/uv pip install --no-deps presidio-evaluator==0.3.2`. Where presidio-analyzer and a spaCy
model (FAIRMESH_PII_MODEL) are installed its speed is told as well, on fewer rows.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec

import pyarrow as pa

from benchmarks.harness import (
    Figure,
    finish,
    in_turns,
    need,
    options,
    paired,
    print_conditions,
    spread,
)

need(modules=["faker", "presidio_evaluator"])

from benchmarks.scan_corpus import sentences  # noqa: E402  # it reads what is needed above
from governance.engine.scan import free_text  # noqa: E402
from governance.engine.scan.counting import Counter  # noqa: E402
from governance.engine.scan.detectors import PERSONAL, Detector  # noqa: E402

LEAST_MB_PER_SECOND, LEAST_SHARE = 5.0, 0.99
SENTENCES, QUICK_SENTENCES = 15_000, 1_500
MEGABYTES, QUICK_MEGABYTES = 64, 2
JUDGED = {"email": "email", "iban": "iban", "ssn": "ssn"}
"""Detector → what the sentences call it."""
TOLD = {"card": "credit_card_number", "ip": "ip_address", "phone": "phone_number"}
Labelled = Sequence[tuple[str, frozenset[str]]]


def rows_of(labelled: Labelled, megabytes: int) -> tuple[list[str], float]:
    """Return the sentences over and over up to a size, and that size in MB."""
    texts = [text for text, _ in labelled]
    each = sum(len(text.encode()) for text in texts)
    times = max(megabytes * 1_000_000 // each, 1)
    return texts * times, each * times / 1e6


def ours(rows: Sequence[str], megabytes: float) -> Callable[[int], float]:
    """Return what counts all rows in blocks, as a scan does, and tells MB a second."""
    batches = pa.chunked_array([pa.array(rows)]).combine_chunks()
    counter = Counter(PERSONAL)

    def run(_: int) -> float:
        began = time.perf_counter()
        for start in range(0, len(rows), 8192):
            counter.count_all([batches.slice(start, 8192)])
        return megabytes / (time.perf_counter() - began)

    return run


def row_by_row(rows: Sequence[str], megabytes: float) -> Callable[[int], float]:
    """Return the same of `re`: every pattern and its check on every row."""

    def run(_: int) -> float:
        began = time.perf_counter()
        for row in rows:
            for detector in PERSONAL:
                detector.matches(row)
        return megabytes / (time.perf_counter() - began)

    return run


def quality(detector: Detector, kind: str, labelled: Labelled) -> tuple[float, float, int]:
    """Return precision, recall and how many sentences hold the kind."""
    counter = Counter([detector])
    true = found = both = 0
    for text, kinds in labelled:
        counts = counter.count(pa.array([text]))
        hit = detector.id in counts and counts[detector.id].matches > 0
        true, found, both = true + (kind in kinds), found + hit, both + (hit and kind in kinds)
    return both / max(found, 1), both / max(true, 1), true


def quality_figures(labelled: Labelled) -> list[Figure]:
    figures = []
    for detector in PERSONAL:
        kind = {**JUDGED, **TOLD}[detector.id]
        precision, recall, count = quality(detector, kind, labelled)
        print(f"{detector.id}: {count} of {len(labelled)} sentences hold one")
        for name, value in (("precision", precision), ("recall", recall)):
            judged = detector.id in JUDGED
            ratio, goal = (value / LEAST_SHARE, 1.0) if judged else (None, None)
            figures.append(Figure(f"{detector.id}_{name}", value, "share", None, ratio, goal))
    return figures


def presidio_figure(labelled: Labelled) -> list[Figure]:
    """Return how fast Presidio looks for names; nothing where it is not installed."""
    model = os.environ.get("FAIRMESH_PII_MODEL", "")
    state, hint = free_text.state_of(model)
    if state != "ready":
        print(f"presidio: {state}. {hint}")
        return []
    names_somebody = free_text.load(model)
    texts = [text for text, _ in labelled[:400]]
    began = time.perf_counter()
    for text in texts:
        names_somebody(text)
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    return [Figure("presidio_names", megabytes / (time.perf_counter() - began), "MB/s")]


def main() -> int:
    asked = options(__doc__, pairs=5)
    pa.set_cpu_count(1)
    labelled = list(sentences(QUICK_SENTENCES if asked.quick else SENTENCES))
    rows, megabytes = rows_of(labelled, QUICK_MEGABYTES if asked.quick else MEGABYTES)
    few, fewer = rows[: len(rows) // 8], sum(len(row.encode()) for row in rows[: len(rows) // 8])
    packages = ["pyarrow", "faker", "presidio-evaluator"]
    packages += ["presidio-analyzer"] if find_spec("presidio_analyzer") else []
    print_conditions(asked, f"{len(rows)} rows, {megabytes:.1f} MB, one thread", packages)
    pairs = in_turns(asked.pairs, ours(rows, megabytes), row_by_row(few, fewer / 1e6))
    print(spread("scan", pairs))
    speed = paired("scan_six_patterns", "MB/s", pairs)
    least = Figure(
        "scan_least", speed.value, "MB/s", LEAST_MB_PER_SECOND, speed.value / LEAST_MB_PER_SECOND, 1
    )
    figures = [speed, least, *quality_figures(labelled), *presidio_figure(labelled)]
    return finish(figures, judge=not asked.quick)


if __name__ == "__main__":
    sys.exit(main())
