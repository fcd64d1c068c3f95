"""The draft of a dataset card: what a run knows of the data that it made, and of its limits.

A draft: whoever owns the product adds what no run knows, why the data were collected and for what
they should not be used. The terms are those of Croissant's vocabulary for responsible AI.
Source: docs.mlcommons.org/croissant/docs/croissant-rai-spec.html, version 1.0.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from transforms.engine.counting import LENGTH
from transforms.engine.params import to_json
from transforms.engine.result import ADDED
from transforms.engine.spec import Spec

OWNER = "To be written by the owner of the product."
_LIMITS = {
    "redact": "What has the shape of personal data was replaced; names and circumstances in prose "
    "were not looked for.",
    "language": "Languages were guessed from the text; short and mixed texts are guessed wrong "
    "most often.",
    "near_dedup": "Near duplicates were found by sketches: some pairs near the threshold remain.",
    "dedup_images": "Pictures were compared by where they are light and dark: of different ones "
    "that look alike some may be missing.",
    "embed": "Vectors show what their model has learned, and the texts can be guessed from them.",
    "quality": "Quality was judged by rules made for web pages; dialects, poetry, tables and code "
    "break them more often than prose does.",
    "decontaminate": "Only word sequences of the named benchmarks were looked for; paraphrases "
    "and translations of their tasks remain.",
    "sample": "It is a sample of its source.",
    "python": "A module of the installation took part, which the platform does not know inside.",
}
"""By operator, what a reader of the data should know."""


@dataclass(frozen=True)
class Facts:
    """What is told of a run that is done; `report` as the run keeps it."""

    output: str
    inputs: Sequence[tuple[str, str]]
    """Name and digest of each."""
    spec: Spec
    report: Mapping[str, Any]
    labels: Sequence[str]
    """Of the output."""


def responsible_ai(facts: Facts) -> dict[str, str | list[str]]:
    """Return the members that a Croissant document gains by the run."""
    sources = [f"{name}, {digest}" for name, digest in facts.inputs]
    return {
        "rai:dataCollection": OWNER,
        "rai:dataCollectionRawData": sources,
        "rai:dataPreprocessingProtocol": list(_steps(facts)),
        "rai:dataLimitations": list(_limits(facts)),
        "rai:personalSensitiveInformation": list(facts.labels) or ["No label was found or given."],
        "rai:dataUseCases": OWNER,
        "rai:dataBiases": OWNER,
    }


def markdown(facts: Facts) -> str:
    """Return the card as a page; the same run gives the same page."""
    told = responsible_ai(facts)
    parts = [
        f"# {facts.output}\n",
        f"## Collection\n\n{told['rai:dataCollection']}\n",
        "Made from:\n\n" + _listed(told["rai:dataCollectionRawData"]),
        "## Preprocessing\n\n" + _numbered(told["rai:dataPreprocessingProtocol"]),
        "## In numbers\n\n| | |\n|---|---|\n" + "".join(_numbers(facts.report)),
        "## Known limits\n\n" + _listed(told["rai:dataLimitations"]),
        "## Labels\n\n" + _listed(told["rai:personalSensitiveInformation"]),
        f"## Uses\n\n{told['rai:dataUseCases']}\n",
        f"## Biases\n\n{told['rai:dataBiases']}\n",
    ]
    return "\n".join(parts)


def _steps(facts: Facts) -> Iterator[str]:
    for step in facts.spec.steps:
        given = to_json(step)
        assert isinstance(given, dict)
        given.pop("code", None)  # of a module: long, and kept with the pipeline
        sentence = (inspect.getdoc(step) or "").split("\n\n")[0].replace("\n", " ")
        parameters = json.dumps(given, ensure_ascii=False, sort_keys=True)
        yield f"{step.NAME} {step.VERSION}: {sentence} {parameters}"


def _limits(facts: Facts) -> Iterator[str]:
    report = facts.report
    names = {step.NAME for step in facts.spec.steps}
    for name, limit in _LIMITS.items():
        if name in names:
            yield limit
    if report["quarantined"]:
        yield f"{report['quarantined']:,} records of the source could not be read."
    dropped = sum(report["dropped"].values())
    if dropped:
        added = report["counts"].get(ADDED, 0)
        share = dropped / max(1, report["rows_in"] + added)
        made = "the source and what steps made of it" if added else "the source"
        yield f"{dropped:,} rows of {made} ({share:.1%}) were left out; see the reasons."
    if not names & {"dedup_exact", "near_dedup", "dedup_images"}:
        yield "Rows that repeat each other were not looked for."
    if "redact" not in names:
        yield "Personal data and secrets were not removed."


def _numbers(report: Mapping[str, Any]) -> Iterator[str]:
    yield f"| rows of the source | {report['rows_in']:,} |\n"
    yield f"| documents kept | {report['documents']:,} |\n"
    yield f"| rows written | {report['rows_out']:,} |\n"
    yield f"| records set aside | {report['quarantined']:,} |\n"
    for reason, count in report["dropped"].items():
        yield f"| left out: {reason} | {count:,} |\n"
    for name, count in report["counts"].items():
        if name.startswith(LENGTH):
            continue  # a histogram: the statistics of the run have it
        yield f"| {name.replace('_', ' ')} | {count:,} |\n"


def _listed(items: str | list[str]) -> str:
    return "".join(f"- {item}\n" for item in items)


def _numbered(items: str | list[str]) -> str:
    return "".join(f"{number}. {item}\n" for number, item in enumerate(items, 1))
