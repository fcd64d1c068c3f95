"""Names of people in prose: a sample of free text, read by Presidio where that is installed.

Optional, and never on-line: the model must be installed or lie in a folder. What is sampled stays
in memory and is forgotten with the scan; only counts leave.
"""

from __future__ import annotations

import importlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from governance.engine.scan.tally import wilson
from governance.engine.scan.texts import Column, texts_in, values_of

MOST_VALUES = 2_000
_SHORTEST, _LONGEST = 40, 2_000
"""Characters of what counts as prose, and to where a value is read."""
_LEAST_RATE, _LEAST_SCORE = 0.05, 0.6
_MODULE = "presidio_analyzer"

Recogniser = Callable[[str], bool]


@dataclass
class Sampler:
    """At most MOST_VALUES values of each column of prose, each with the same chance."""

    columns: dict[str, list[str]] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    chance: random.Random = field(default_factory=lambda: random.Random(0))

    def see(self, columns: Sequence[tuple[str, Column]]) -> None:
        for name, column in columns:
            for texts in texts_in(column):
                for value in cast("Sequence[str | None]", values_of(texts)):
                    if value is not None and len(value) >= _SHORTEST and " " in value:
                        self._keep(name, value[:_LONGEST])

    def _keep(self, name: str, value: str) -> None:
        """Keep one more. Source: Vitter 1985, algorithm R."""
        kept = self.columns.setdefault(name, [])
        self.seen[name] = self.seen.get(name, 0) + 1
        if len(kept) < MOST_VALUES:
            kept.append(value)
            return
        place = self.chance.randrange(self.seen[name])
        if place < MOST_VALUES:
            kept[place] = value


def state_of(model: str) -> tuple[str, str]:
    """Return `ready`, `not_installed`, `not_configured` or `model_missing`, and what to do."""
    if find_spec(_MODULE) is None:
        return "not_installed", "Install the extra `pii` to look for names of people in prose."
    if not model:
        return "not_configured", "Name an installed spaCy model in FAIRMESH_PII_MODEL."
    if not Path(model).exists() and find_spec(model) is None:
        return "model_missing", f"There is no spaCy model {model!r} here; nothing is downloaded."
    return "ready", ""


def load(model: str) -> Recogniser:
    """Return what tells whether a text names a person; call it when `state_of` says ready."""
    presidio = importlib.import_module(_MODULE)
    engines = importlib.import_module(f"{_MODULE}.nlp_engine")
    settings = {
        "nlp_engine_name": "spacy",
        "models": [{"lang_code": "en", "model_name": model}],
    }
    engine = engines.NlpEngineProvider(nlp_configuration=settings).create_engine()
    analyzer: Any = presidio.AnalyzerEngine(nlp_engine=engine, supported_languages=["en"])

    def names_somebody(text: str) -> bool:
        found = analyzer.analyze(text=text, language="en", entities=["PERSON"])
        return any(each.score >= _LEAST_SCORE for each in found)

    return names_somebody


def look(samples: Mapping[str, Sequence[str]], names_somebody: Recogniser) -> list[dict[str, Any]]:
    """Return what was found by column, with the share of the sample and its interval."""
    found = []
    for column, values in sorted(samples.items()):
        matches = sum(map(names_somebody, values))
        low, high = wilson(matches, len(values))
        rate = matches / max(len(values), 1)
        if matches:
            found.append(
                {
                    "column": column, "detector": "presidio.person", "label": "pii:name",
                    "sampled": len(values), "matches": matches, "rate": rate,
                    "low": low, "high": high, "labelled": rate >= _LEAST_RATE,
                }
            )  # fmt: skip
    return found
