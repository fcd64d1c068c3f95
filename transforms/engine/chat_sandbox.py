"""Renders the chat template of a pipeline in a process of its own, which can be stopped.

A template is written by whoever may write a pipeline. jinja2's sandbox keeps it from Python's
insides, but not from loops without end and texts without bounds. So this file also runs as a
program, in an isolated interpreter with little memory and no files to write: a first line with the
template and its names, then for each line of messages a line with the text or null.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from collections.abc import Mapping
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

MEMORY_BYTES = 512 * 1024 * 1024
_PLAIN = (str, int, float, list, tuple, dict, jinja2.Undefined)


class TooLarge(Exception):
    """The text is longer than the limit."""


def environment() -> ImmutableSandboxedEnvironment:
    """Return the environment of chat templates; in it nothing is left to chance or the clock.

    Nothing is computed when a template is read, only when it is rendered: it is read outside of
    the process that can be stopped, too.
    """
    made = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, optimized=False, finalize=_told
    )
    made.globals.pop("lipsum")
    made.filters.pop("random")
    made.globals["raise_exception"] = _raise
    return made


@jinja2.pass_context
def _told(context: jinja2.runtime.Context, value: object) -> object:
    """Return what is put into the text; a function or an iterator would tell its address there.

    It takes the context so that jinja2 does not call it, and so computes nothing, ahead of time.
    """
    del context
    if value is None or isinstance(value, _PLAIN):
        return value
    raise jinja2.TemplateError(f"A {type(value).__name__} is no text.")


def _raise(message: str) -> None:
    raise jinja2.TemplateError(message)


def _rendered(template: jinja2.Template, names: Mapping[str, Any], limit: int) -> str:
    parts, length = [], 0
    for part in template.generate(names):
        parts.append(part)
        length += len(part)
        if length > limit:
            raise TooLarge
    return "".join(parts)


def _answer(template: jinja2.Template, names: Mapping[str, Any], limit: int) -> dict[str, str]:
    """Return the text, or why there is none: whatever a template does, it is the row's."""
    try:
        return {"text": _rendered(template, names, limit)}
    except TooLarge:
        return {"reason": "too_large"}
    except MemoryError:  # how much there is differs from machine to machine: no row's affair
        raise
    except Exception:  # noqa: BLE001 - the edge: a template may raise whatever its values raise
        return {"reason": "template_error"}


def main() -> None:
    """Serve until the input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    told = json.loads(sys.stdin.buffer.readline())
    template = environment().from_string(told["template"])
    for line in sys.stdin.buffer:
        names = {**told["names"], "messages": json.loads(line)}
        signal.alarm(told["seconds"])  # ends the process even where nobody is left to do it
        answer = json.dumps(_answer(template, names, told["limit"])).encode() + b"\n"
        signal.alarm(0)
        sys.stdout.buffer.write(answer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
