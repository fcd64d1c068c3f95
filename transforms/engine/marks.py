"""Where in the text of a document a problem stands, so that an editor can show it there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from core.yaml_text import broken_at

MOST_MARKS = 200
"""Finding one takes time that grows with the keys around it."""
_ITEM = re.compile(r"\[(\d+)\]\.?")


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a text; both count from 1, columns in characters."""

    line: int
    column: int


def marks_of(text: str, paths: Sequence[str]) -> list[Mark | None]:
    """Return where the paths of problems stand in a YAML or JSON text, which is read once.

    Of what is not there, the place of what it belongs to is told; of a text that cannot be read,
    where reading stopped. None where neither is known, and beyond the first MOST_MARKS.
    """
    broken = broken_at(text)
    if broken is not None:
        return [_within(text, broken) for _ in paths]
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return [None for _ in paths]
    if root is None:
        return [None for _ in paths]
    found = [_within(text, _descend(root, path)) for path in paths[:MOST_MARKS]]
    return [*found, *(None for _ in paths[MOST_MARKS:])]


def _within(text: str, mark: yaml.Mark) -> Mark:
    """Return the place of a mark, and of one behind the text that of the text's end.

    Only a line feed ends a line, as in an editor; YAML knows more line ends.
    """
    at = min(mark.index, len(text.rstrip()))
    return Mark(text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))


def _descend(node: yaml.Node, path: str) -> yaml.Mark:
    mark = node.start_mark
    while path:
        below = _below(node, path)
        if below is None:
            break
        mark, node, path = below
    return mark


def _below(node: yaml.Node, path: str) -> tuple[yaml.Mark, yaml.Node, str] | None:
    """Return the place of the first part of a path, what stands there, and the rest of the path."""
    if isinstance(node, yaml.SequenceNode):
        item = _ITEM.match(path)
        if item is None or int(item[1]) >= len(node.value):
            return None
        found = node.value[int(item[1])]
        return found.start_mark, found, path[item.end() :]
    if not isinstance(node, yaml.MappingNode):
        return None
    # a key may hold dots and brackets: of those with which the path begins the longest is meant
    keys = [(str(key.value), key, value) for key, value in node.value]
    begun = [each for each in keys if _begins(path, each[0])]
    if not begun:
        return None
    name, key, value = max(begun, key=lambda each: len(each[0]))
    return key.start_mark, value, path[len(name) :].removeprefix(".")


def _begins(path: str, key: str) -> bool:
    return path == key or (path.startswith(key) and path[len(key)] in ".[")
