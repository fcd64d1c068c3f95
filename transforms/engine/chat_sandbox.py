"""Renders the chat template of a pipeline in a process of its own, which can be stopped.

A template is written by whoever may write a pipeline. jinja2's sandbox keeps it from Python's
insides, but not from loops without end and texts without bounds. So this file also runs as a
program, in an isolated interpreter with little memory and no files to write: a first line with the
template and its names, then for each line of messages a line with the text or null.
"""

from __future__ import annotations

import functools
import json
import resource
import signal
import sys
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.nodes import EvalContext
from jinja2.runtime import Context, Macro, markup_join, str_join
from jinja2.sandbox import (
    ImmutableSandboxedEnvironment,
    SandboxedEscapeFormatter,
    SandboxedFormatter,
)
from markupsafe import Markup

MEMORY_BYTES = 512 * 1024 * 1024
_ATOMS = (str, int, float, range, jinja2.Undefined, type(None))
_MANY = (list, tuple, KeysView, ValuesView, ItemsView)
_OF_JINJA = (jinja2.Environment, Context, EvalContext)


class TooLarge(Exception):
    """The text is longer than the limit."""


class NotText(Exception):
    """A template makes text of what has none, such as a function, or a set in no order."""


class _Generator(CodeGenerator):
    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802 - jinja2 calls it
        """Write the call of `joined` for `a ~ b`: what jinja2 writes takes anything for text."""
        self.write("environment.joined(context, (")
        for each in node.nodes:
            self.visit(each, frame)
            self.write(", ")
        self.write("))")


class ChatEnvironment(ImmutableSandboxedEnvironment):
    """In it nothing is left to chance, the clock or the memory: a text depends on the row alone.

    Python spells a function, an iterator or an object by its address, and a set in another order
    in each process. A template may hold such things, and no step makes text of them: printing,
    `~`, `%`, `format`, and filters and calls for what they are given.
    """

    code_generator_class = _Generator
    intercepted_binops = frozenset({"%", "-"})

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._given: frozenset[int] = frozenset()
        self.filters = {name: self._held(each) for name, each in self.filters.items()}

    def give(self, names: Mapping[str, object]) -> None:
        """Take note of the names of a row, made of JSON: they need not be looked at each time."""
        self._given = frozenset(map(id, _containers(names)))

    def require_text(self, value: object) -> None:
        """Raise NotText unless Python spells `value` the same in every process."""
        if isinstance(value, _ATOMS) or id(value) in self._given:
            return
        if isinstance(value, _MANY):
            inner: Iterable[object] = value
        elif isinstance(value, dict):
            inner = (each for pair in value.items() for each in pair)
        else:
            raise NotText
        for each in inner:
            self.require_text(each)

    def joined(self, context: Context, values: tuple[object, ...]) -> str:
        """Return `a ~ b`."""
        self.require_text(values)
        return markup_join(values) if context.eval_ctx.autoescape else str_join(values)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Return `left % right`, which may fill in a text, or a difference, which may be a set."""
        if operator == "%":
            self.require_text(right)
        made = super().call_binop(context, operator, left, right)
        if isinstance(made, set):
            raise NotText
        return made

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call a macro with anything, and what is not the template's own with what has a text."""
        if not isinstance(obj, Macro):
            self.require_text((args, kwargs))
        return super().call(context, obj, *args, **kwargs)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """Return `format` or `format_map` of a text, which may walk to what has none."""
        if super().wrap_str_format(value) is None:
            return None
        text = value.__self__
        kind = _EscapeFormatter if isinstance(text, Markup) else _Formatter
        formatter = kind(self, escape=text.escape) if isinstance(text, Markup) else kind(self)

        @functools.wraps(value)
        def filled(*args: Any, **kwargs: Any) -> str:
            if value.__name__ == "format_map":
                (kwargs,), args = args, ()
            made = formatter.vformat(text, args, kwargs)
            return Markup(made) if isinstance(text, Markup) else made

        return filled

    def _held(self, given: Callable[..., Any]) -> Callable[..., Any]:
        """Return a filter that takes what has a text alone, and gives a list for an iterator."""

        @functools.wraps(given)
        def held(*args: Any, **kwargs: Any) -> Any:
            self.require_text([each for each in args if not isinstance(each, _OF_JINJA)])
            self.require_text(kwargs)
            made = given(*args, **kwargs)
            return list(made) if isinstance(made, Iterator) else made

        return held


class _Formatter(SandboxedFormatter):
    def convert_field(self, value: Any, conversion: Any) -> Any:
        """Convert what a field has led to, where that has a text."""
        _ours(self._env).require_text(value)
        return super().convert_field(value, conversion)


class _EscapeFormatter(_Formatter, SandboxedEscapeFormatter):
    """The same for a text that is marked as safe."""


def _ours(made: jinja2.Environment) -> ChatEnvironment:
    assert isinstance(made, ChatEnvironment), "nothing here works for another"
    return made


def _containers(value: object) -> Iterator[object]:
    if isinstance(value, dict | list):
        yield value
        for each in value.values() if isinstance(value, dict) else value:
            yield from _containers(each)


def environment() -> ChatEnvironment:
    """Return the environment of chat templates.

    Nothing is computed when a template is read, only when it is rendered: it is read outside of
    the process that can be stopped, too.
    """
    made = ChatEnvironment(trim_blocks=True, lstrip_blocks=True, optimized=False, finalize=_told)
    made.globals.pop("lipsum")
    made.filters.pop("random")
    made.globals["raise_exception"] = _raise
    return made


@jinja2.pass_context
def _told(context: Context, value: object) -> object:
    """Return what is put into the text.

    It takes the context so that jinja2 does not call it, and so computes nothing, ahead of time.
    """
    _ours(context.environment).require_text(value)
    return value


def _raise(message: str) -> None:
    raise jinja2.TemplateError(message)


def _rendered(template: jinja2.Template, names: dict[str, Any], limit: int) -> str:
    _ours(template.environment).give(names)
    parts, length = [], 0
    for part in template.generate(names):
        parts.append(part)
        length += len(part)
        if length > limit:
            raise TooLarge
    return "".join(parts)


def _answer(template: jinja2.Template, names: dict[str, Any], limit: int) -> dict[str, str]:
    """Return the text, or why there is none: whatever a template does, it is the row's."""
    try:
        return {"text": _rendered(template, names, limit)}
    except TooLarge:
        return {"reason": "too_large"}
    except NotText:
        return {"reason": "not_text"}
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
