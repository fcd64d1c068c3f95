"""datatrove on the corpus of whole pipelines, in an environment of its own.

    python corpus_peer.py CORPUS TOKENIZER MODEL FOLDER DEDUP END_TOKEN COUNT [texts]

Its own steps as its examples put them together, two tasks for two workers: the filters write what
they keep and its signatures, the duplicates are found, and what is left is read again, redacted and
tokenised. Its workers are forked, so that they need not import anew at each stage, and its clock
starts after the imports. With `texts` the rows before the last step are written as well, when the
clock has stopped. The last line it prints is JSON: seconds, version, rows dropped by step.
"""

from __future__ import annotations

import json
import sys
import time
import unicodedata
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import fasttext  # type: ignore[import-not-found]  # noqa: F401 - before the clock, as the next two
import spacy  # type: ignore[import-not-found]  # noqa: F401
import tokenizers  # noqa: F401
from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.dedup import (
    ExactDedupConfig,
    ExactDedupFilter,
    ExactDedupSignature,
    ExactFindDedups,
    MinhashConfig,
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.filters import GopherQualityFilter, GopherRepetitionFilter, LanguageFilter
from datatrove.pipeline.formatters import PIIFormatter
from datatrove.pipeline.formatters.base import BaseFormatter
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.tokens import DocumentTokenizer
from datatrove.pipeline.writers import JsonlWriter
from datatrove.utils.lid import FT176LID

NAMES = {
    LanguageFilter.name: "language",
    GopherRepetitionFilter.name: "gopher_repetition",
    GopherQualityFilter.name: "gopher",
    ExactDedupFilter.name: "duplicate",
    MinhashDedupFilter.name: "near_duplicate",
}


class Normalise(BaseFormatter):  # type: ignore[misc]  # it has no stubs
    """datatrove has no step for it."""

    name = "Normalise"

    def format(self, text: str) -> str:
        return unicodedata.normalize("NFC", text)


def text_of(document: Document) -> str:
    return str(document.text)


EXACT, NEAR = ExactDedupConfig(text_of), MinhashConfig()


@dataclass
class Peer:
    corpus: Path
    tokenizer: Path
    folder: Path
    dedup: str
    end_token: str
    count: int
    stages: int = 0

    def work(self) -> dict[str, int]:
        """Run all stages; return how many rows each step dropped."""
        dropped = self._stage([*self._filters(), self._signature()], self.count)
        for step, tasks in self._finding():
            self._stage([step], tasks)
        tokens = DocumentTokenizer(
            str(self.folder / "tokens"),
            str(self.tokenizer),
            eos_token=self.end_token,
            shuffle_documents=False,
        )
        return dropped | self._stage([*self._rest(), tokens], self.count)

    def write_texts(self) -> None:
        writer = JsonlWriter(str(self.folder / "texts"), compression=None)
        self._stage([*self._rest(), writer], self.count)

    def _stage(self, steps: list[PipelineStep], tasks: int) -> dict[str, int]:
        self.stages += 1
        stats = LocalPipelineExecutor(
            steps,
            tasks=tasks,
            workers=min(tasks, self.count),
            logging_dir=str(self.folder / f"logs-{self.stages}"),
            start_method="fork",
        ).run()
        told = {each.name.rpartition(" - ")[2]: each for each in stats.stats}
        return {
            NAMES[name]: int(each.stats["dropped"].total)
            for full, each in told.items()
            for name in NAMES
            if full.endswith(name)
        }

    def _filters(self) -> list[PipelineStep]:
        return [
            JsonlReader(str(self.corpus), glob_pattern="*.jsonl", doc_progress=False),
            Normalise(),
            LanguageFilter(["en"], language_threshold=0.65),
            GopherRepetitionFilter(),
            GopherQualityFilter(),
            JsonlWriter(str(self.folder / "kept"), compression=None),
        ]

    def _signature(self) -> PipelineStep:
        signatures = str(self.folder / "signatures")
        if self.dedup == "exact":
            return ExactDedupSignature(signatures, EXACT)
        return MinhashDedupSignature(signatures, NEAR)

    def _finding(self) -> list[tuple[PipelineStep, int]]:
        """Return what finds the duplicates, and by how many tasks."""
        signatures, found = str(self.folder / "signatures"), str(self.folder / "found")
        if self.dedup == "exact":
            return [(ExactFindDedups(signatures, found, EXACT), 1)]
        pairs = str(self.folder / "pairs")
        return [
            (MinhashDedupBuckets(signatures, pairs, config=NEAR), NEAR.num_buckets),
            (MinhashDedupCluster(pairs, found, config=NEAR), 1),
        ]

    def _rest(self) -> list[PipelineStep]:
        found = str(self.folder / "found")
        chosen = ExactDedupFilter(found, EXACT)
        if self.dedup == "near":
            chosen = MinhashDedupFilter(found)
        return [
            JsonlReader(str(self.folder / "kept"), doc_progress=False),
            chosen,
            PIIFormatter(
                only_remove_public_ips=True, email_replacement="<email>", ip_replacement="<ip>"
            ),
        ]


def main() -> None:
    corpus, tokenizer, model, folder = (Path(word) for word in sys.argv[1:5])
    FT176LID.MODEL_URL = str(model)  # its own is not on any package index
    peer = Peer(corpus, tokenizer, folder, sys.argv[5], sys.argv[6], int(sys.argv[7]))
    began = time.perf_counter()
    dropped = peer.work()
    seconds = time.perf_counter() - began
    if "texts" in sys.argv[8:]:
        peer.write_texts()
    version = metadata.version("datatrove")
    print(json.dumps({"seconds": seconds, "version": version, "dropped": dropped}))


if __name__ == "__main__":
    main()
