"""The operator modules of this installation: `<folder>/<name>.py`, for the step `python`.

Whoever runs the platform puts them there, after reading them: a module's process has none of the
platform's environment, but it is the same user's process on the same machine.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from django.conf import settings

from core.errors import InvalidSpec
from transforms.engine.operators.base import Operator
from transforms.engine.operators.python import Python
from transforms.engine.problems import Problem, nearest, problems_of, refuse
from transforms.engine.spec import Spec


def installed() -> list[str]:
    """Return the names of the modules in the folder, sorted."""
    return sorted(path.stem for path in _folder().glob("[a-z]*.py"))


def with_code(spec: Spec) -> Spec:
    """Return the pipeline with the code of the modules it names, as they are installed now.

    Raises InvalidSpec for a module that is not installed, and for code that is not the installed
    module's: nobody brings code of their own with a document.
    """
    steps: list[Operator] = []
    problems: list[Problem] = []
    for position, step in enumerate(spec.steps):
        try:
            steps.append(_filled(step) if isinstance(step, Python) else step)
        except InvalidSpec as error:
            problems += [each.below(spec.where(position)) for each in problems_of(error)]
    if problems:
        raise refuse(problems)
    return replace(spec, steps=tuple(steps))


def _filled(step: Python) -> Python:
    path = _folder() / f"{step.module}.py"
    if not path.is_file():
        known = installed()
        message = (
            f"There is no module {step.module!r}; installed are: {', '.join(known) or 'none'}."
        )
        raise refuse([Problem("module", message, nearest(step.module, known))])
    code = path.read_text(encoding="utf-8")
    if step.code not in (None, code):
        raise refuse([Problem("code", "It is not the installed module's; leave it out.")])
    return replace(step, code=code)


def _folder() -> Path:
    folder: Path = settings.FAIRMESH.operators
    return folder
