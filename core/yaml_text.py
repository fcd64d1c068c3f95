"""YAML without its surprises: what a person reads in the text is what the program gets.

`NO` is Norway, not false; `on` is a word; a date is text; a key that stands twice and an alias are
refused. Source: YAML 1.2 core schema for booleans, null and numbers.
"""

from __future__ import annotations

import math
import re
from typing import Any

import yaml

from core.errors import InvalidSpec

_BOOLEAN = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
_NULL = re.compile(r"^(?:~|null|Null|NULL|)$")
_INTEGER = re.compile(r"^[-+]?[0-9]+$")
_FLOAT = re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$")


class _Loader(yaml.SafeLoader):
    """The safe loader, less the words that mean something else than they say."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event: Any = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.constructor.ConstructorError(
                None,
                None,
                "an alias is not used here: write it out, or quote a text that begins with *",
                event.start_mark,
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str) or key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice or is no text", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """The safe dumper, which quotes just what the loader would read as something else."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}

    def ignore_aliases(self, data: Any) -> bool:
        return True


for _tag, _pattern, _first in (
    ("bool", _BOOLEAN, "tTfF"),
    ("int", _INTEGER, "-+0123456789"),
    ("float", _FLOAT, "-+0123456789."),
    ("null", _NULL, ["~", "n", "N", ""]),
):
    for _side in (_Loader, _Dumper):
        _side.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", _pattern, list(_first))


def _integer(loader: _Loader, node: yaml.ScalarNode) -> int:
    return int(loader.construct_scalar(node), 10)


def _finite(loader: _Loader, node: yaml.ScalarNode) -> float:
    value = float(loader.construct_scalar(node))
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _refused(loader: _Loader, node: yaml.Node) -> None:
    raise yaml.constructor.ConstructorError(
        None, None, f"{node.tag} is not used here", node.start_mark
    )


_Loader.add_constructor("tag:yaml.org,2002:int", _integer)
_Loader.add_constructor("tag:yaml.org,2002:float", _finite)
for _tag in ("binary", "timestamp", "omap", "pairs", "set"):  # JSON has no such values
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _refused)


def read_yaml(text: str) -> Any:
    """Return the value of one YAML document; raise InvalidSpec that says where it breaks."""
    try:
        return yaml.load(text, Loader=_Loader)  # it derives from SafeLoader
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InvalidSpec(f"The text is not YAML: {_told(error)}", errors=[]) from error


def broken_at(text: str) -> yaml.Mark | None:
    """Return where `read_yaml` refuses a text; None if it does not, or no place is known."""
    try:
        yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        return _place(error)
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
    return None


def _place(error: yaml.MarkedYAMLError) -> yaml.Mark | None:
    return error.problem_mark or error.context_mark


def _told(error: Exception) -> str:
    """Return in one line what is wrong, and where."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return str(error)
    what = ", ".join(each for each in (error.context, error.problem) if each)
    mark = _place(error)
    return what if mark is None else f"{what} (line {mark.line + 1}, column {mark.column + 1})"


def write_yaml(value: Any) -> str:
    """Return the one text of a JSON value that `read_yaml` reads as that value."""
    text = _dumped(value, plain=True)
    return text if read_yaml(text) == value else _dumped(value, plain=False)


def _dumped(value: Any, *, plain: bool) -> str:
    """Return YAML; not `plain`, every character outside ASCII is escaped, line ends among them."""
    return yaml.dump(
        value, Dumper=_Dumper, allow_unicode=plain, default_flow_style=False, sort_keys=True,
        width=100,
    )  # fmt: skip
