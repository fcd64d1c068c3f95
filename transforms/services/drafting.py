"""Documents that are being written: checked, explained and tried before anything is saved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from core.errors import InvalidSpec
from governance.engine.entities import Action, Principal, Situation
from transforms.engine.marks import marks_of
from transforms.engine.sample import Sample
from transforms.engine.spec import Spec, load, read_spec
from transforms.models import Pipeline
from transforms.services.pipelines import Explained, admit, check_columns, explain, try_rows


@dataclass(frozen=True)
class Draft:
    """A document that is not saved, as its text or decoded, and what it is asked about for."""

    text: str | None = None
    spec: object = None
    purpose: str = ""

    def read(self) -> Spec:
        return read_spec(self.spec) if self.text is None else load(self.text)

    @property
    def situation(self) -> Situation:
        return Situation(self.purpose)


@dataclass(frozen=True)
class Checked:
    """What saving a document would say of it."""

    problems: tuple[Mapping[str, object], ...]
    """Each with `where`, `message`, `suggestion`, `line` and `column`."""
    not_compared: str
    """Why its columns were not compared with those of the input; empty when they were."""


@contextmanager
def at_their_place(text: str | None) -> Iterator[None]:
    """Let the problems of a document say the line and column of its text; none without a text."""
    try:
        yield
    except InvalidSpec as error:
        problems = error.extra["errors"]
        paths = [problem["where"] for problem in problems]
        marks = [None for _ in paths] if text is None else marks_of(text, paths)
        for problem, mark in zip(problems, marks, strict=True):
            problem["line"] = None if mark is None else mark.line
            problem["column"] = None if mark is None else mark.column
        raise


def check_draft(actor: Principal, draft: Draft) -> Checked:
    """Return every problem for which saving would refuse the document.

    Raises as saving does when it names what the actor may not use.
    """
    try:
        with at_their_place(draft.text):
            read, sources, _ = admit(actor, draft.read(), draft.situation, Action.PUBLISH)
            return Checked((), check_columns(read, sources))
    except InvalidSpec as error:
        return Checked(tuple(error.extra["errors"]), "")


def plan_draft(actor: Principal, draft: Draft) -> Explained:
    """Explain what a run of the document would do now; whoever may know of its output is told.

    Whether the actor may publish the output is one of the verdicts.
    """
    with at_their_place(draft.text):
        return explain(actor, _unsaved(actor, draft), draft.situation)


def sample_draft(actor: Principal, draft: Draft, rows: int) -> Sample:
    """Run the first rows through the document; for those who may read the input, and audited."""
    with at_their_place(draft.text):
        return try_rows(actor, _unsaved(actor, draft), rows, draft.situation)


def _unsaved(actor: Principal, draft: Draft) -> Pipeline:
    """Return a pipeline that stands in no table and has no name."""
    read, sources, target = admit(actor, draft.read(), draft.situation, Action.DISCOVER)
    return Pipeline(source=sources[0], target=target, spec=read.as_json())
