"""Parameter dataclasses: one declaration gives the reader, the JSON form and the JSON Schema.

A field's type is one of: str, int, float, bool, Literal, `X | None`, `tuple[X, ...]`,
`Mapping[str, X]` or another such dataclass. `field(metadata=rule(...))` adds a sentence and limits.
A class attribute `ONE_OF` names fields of which exactly one must be given. A field whose metadata
is `NO_PARAMETER` is set by the planner: no document has it.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import (
    TYPE_CHECKING,
    Literal,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from transforms.engine.problems import Problem, join, nearest

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")
Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

_SCALARS: Mapping[object, tuple[str, str]] = {
    str: ("string", "a string"),
    int: ("integer", "a whole number"),
    float: ("number", "a number"),
    bool: ("boolean", "true or false"),
}


NO_PARAMETER: Mapping[str, object] = {"no_parameter": True}


def rule(
    doc: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    pattern: str | None = None,
    min_items: int | None = None,
    names: str | None = None,
) -> dict[str, object]:
    """Return field metadata: `doc` for people, the rest as the JSON Schema keyword of that name.

    `names` is the pattern of the keys of a mapping.
    """
    limits = {
        "minimum": minimum,
        "maximum": maximum,
        "pattern": pattern,
        "minItems": min_items,
        "propertyNames": None if names is None else {"pattern": names},
    }
    given = {key: value for key, value in limits.items() if value is not None}
    return {"description": doc, **given}


def parse(cls: type[T], raw: object, where: str, problems: list[Problem]) -> T | None:
    """Return `raw` as a `cls`, or None after adding every problem found to `problems`."""
    if not isinstance(raw, Mapping):
        problems.append(Problem(where, f"Expected a mapping, found {_kind(raw)}."))
        return None
    known = dict(_described(cls))
    before = len(problems)
    for key in raw:
        if key not in known:
            message = f"Unknown parameter {str(key)!r}; known are: {', '.join(known)}."
            problems.append(Problem(join(where, str(key)), message, nearest(str(key), known)))
    values: dict[str, object] = {}
    for name, (declared, hint) in known.items():
        if name in raw:
            values[name] = _parse_value(hint, raw[name], join(where, name), problems)
            if values[name] is not None:
                _check_limits(declared, values[name], join(where, name), problems)
        elif declared.default is MISSING and declared.default_factory is MISSING:
            problems.append(Problem(join(where, name), f"{name!r} is required."))
    _check_one_of(cls, raw, where, problems)
    return cls(**values) if len(problems) == before else None


def _described(cls: type[object]) -> Iterator[tuple[str, tuple[Field[object], object]]]:
    hints = get_type_hints(cls)
    for declared in fields(cast("type[DataclassInstance]", cls)):
        if declared.metadata != NO_PARAMETER:
            yield declared.name, (declared, hints[declared.name])


def _parse_value(hint: object, raw: object, where: str, problems: list[Problem]) -> object:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if raw is None:
            return None
        return _parse_value(_not_none(arguments), raw, where, problems)
    if origin is Literal:
        return _parse_choice(arguments, raw, where, problems)
    if origin is tuple:
        return _parse_items(arguments[0], raw, where, problems)
    if hint in _SCALARS:
        return _parse_scalar(hint, raw, where, problems)
    if is_dataclass(hint) and isinstance(hint, type):
        return parse(hint, raw, where, problems)
    return _parse_mapping(arguments[1], raw, where, problems)


def _not_none(arguments: tuple[object, ...]) -> object:
    return next(argument for argument in arguments if argument is not type(None))


def _parse_scalar(hint: object, raw: object, where: str, problems: list[Problem]) -> object:
    if hint is float and isinstance(raw, int) and not isinstance(raw, bool):
        return float(raw)
    if isinstance(raw, cast("type[object]", hint)) and (hint is bool or not isinstance(raw, bool)):
        if isinstance(raw, str):
            _check_text(raw, where, problems)
        return raw
    problems.append(Problem(where, f"Expected {_SCALARS[hint][1]}, found {_kind(raw)}."))
    return None


def _parse_choice(
    choices: tuple[object, ...], raw: object, where: str, problems: list[Problem]
) -> object:
    if type(raw) in {type(choice) for choice in choices} and raw in choices:
        return raw
    names = [str(choice) for choice in choices]
    message = f"Expected one of {', '.join(names)}, found {raw!r}."
    problems.append(Problem(where, message, nearest(str(raw), names)))
    return None


def _parse_items(hint: object, raw: object, where: str, problems: list[Problem]) -> object:
    if not isinstance(raw, list | tuple):
        problems.append(Problem(where, f"Expected a list, found {_kind(raw)}."))
        return None
    return tuple(
        _parse_value(hint, item, f"{where}[{position}]", problems)
        for position, item in enumerate(raw)
    )


def _parse_mapping(hint: object, raw: object, where: str, problems: list[Problem]) -> object:
    if not isinstance(raw, Mapping) or not all(isinstance(key, str) for key in raw):
        problems.append(Problem(where, f"Expected a mapping of names, found {_kind(raw)}."))
        return None
    for key in raw:
        _check_text(key, where, problems)
    return {key: _parse_value(hint, raw[key], join(where, key), problems) for key in raw}


def _check_text(value: str, where: str, problems: list[Problem]) -> None:
    """JSON can spell half of a character, and no file can hold it."""
    if any("\ud800" <= character <= "\udfff" for character in value):
        problems.append(Problem(where, f"{value!r} holds half of a character."))


def _check_limits(
    declared: Field[object], value: object, where: str, problems: list[Problem]
) -> None:
    minimum, maximum = declared.metadata.get("minimum"), declared.metadata.get("maximum")
    if isinstance(value, int | float):
        if minimum is not None and value < minimum:
            problems.append(Problem(where, f"Must be at least {minimum}, found {value}."))
        if maximum is not None and value > maximum:
            problems.append(Problem(where, f"Must be at most {maximum}, found {value}."))
    if isinstance(value, str):
        _check_pattern(declared.metadata.get("pattern", ""), value, where, problems)
    if isinstance(value, Mapping):
        pattern = declared.metadata.get("propertyNames", {}).get("pattern", "")
        for name in value:
            _check_pattern(pattern, name, join(where, name), problems)
    fewest = declared.metadata.get("minItems", 0)
    if isinstance(value, tuple) and len(value) < fewest:
        problems.append(Problem(where, f"Expected at least {fewest} items, found {len(value)}."))


def _check_pattern(pattern: str, value: str, where: str, problems: list[Problem]) -> None:
    # Python's $ also stands before a last newline, that of JSON Schema does not
    if not re.search(pattern, value) or (pattern.endswith("$") and value.endswith("\n")):
        problems.append(Problem(where, f"{value!r} does not match {pattern}."))


def _check_one_of(
    cls: type[object], raw: Mapping[object, object], where: str, problems: list[Problem]
) -> None:
    choices: tuple[str, ...] = getattr(cls, "ONE_OF", ())
    given = [name for name in choices if name in raw]
    if choices and len(given) != 1:
        found = " and ".join(given) or "none"
        problems.append(Problem(where, f"Give exactly one of {', '.join(choices)}; found {found}."))


def _kind(raw: object) -> str:
    names = {dict: "a mapping", list: "a list", str: "a string", type(None): "nothing"}
    return names.get(type(raw), repr(raw))


def to_json(value: object) -> Json:
    """Return a parameter value in its JSON form; parsing it gives the same value again.

    Fields that are None are left out: they mean the same as fields that are not given.
    """
    if is_dataclass(value) and not isinstance(value, type):
        members = {name: getattr(value, name) for name, _ in _described(type(value))}
        return {name: to_json(member) for name, member in members.items() if member is not None}
    if isinstance(value, Mapping):
        return {str(key): to_json(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(member) for member in value]
    return cast("Json", value)


def json_schema(cls: type[object]) -> dict[str, Json]:
    """Return the JSON Schema (2020-12) of the mappings that `parse` takes for `cls`."""
    properties: dict[str, Json] = {}
    required: list[Json] = []
    for name, (declared, hint) in _described(cls):
        properties[name] = {**_value_schema(hint), **_keywords(declared)}
        if declared.default is MISSING and declared.default_factory is MISSING:
            required.append(name)
    choices: tuple[str, ...] = getattr(cls, "ONE_OF", ())
    found: dict[str, Json] = {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }
    if required:
        found["required"] = required
    if choices:
        found["oneOf"] = [{"required": [name]} for name in choices]
    return found


def _keywords(declared: Field[object]) -> dict[str, Json]:
    keywords: dict[str, Json] = {key: to_json(value) for key, value in declared.metadata.items()}
    if declared.default is not MISSING and declared.default is not None:
        keywords["default"] = to_json(declared.default)
    return keywords


def _value_schema(hint: object) -> dict[str, Json]:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        inner = _value_schema(_not_none(arguments))
        if "type" in inner:
            return {**inner, "type": [inner["type"], "null"]}
        return {"anyOf": [inner, {"type": "null"}]}
    if origin is Literal:
        return {"enum": [to_json(choice) for choice in arguments]}
    if origin is tuple:
        return {"type": "array", "items": _value_schema(arguments[0])}
    if hint in _SCALARS:
        return {"type": _SCALARS[hint][0]}
    if is_dataclass(hint) and isinstance(hint, type):
        return json_schema(hint)
    return {"type": "object", "additionalProperties": _value_schema(arguments[1])}
