"""Every operator by its name, found by looking into this package."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeGuard

from transforms.engine import operators
from transforms.engine.operators.base import Operator

_NOT_OPERATORS = {"base", "registry"}


def _discover() -> Mapping[str, type[Operator]]:
    found: dict[str, type[Operator]] = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(operators.__path__)):
        if module in _NOT_OPERATORS:
            continue
        members = vars(importlib.import_module(f"{operators.__name__}.{module}")).values()
        for member in members:
            if _is_operator(member):
                found[member.NAME] = member
    return MappingProxyType(found)


def _is_operator(member: object) -> TypeGuard[type[Operator]]:
    """Return whether `member` is an operator, and not a base of some."""
    is_one = inspect.isclass(member) and issubclass(member, Operator)
    return is_one and not inspect.isabstract(member)


OPERATORS: Mapping[str, type[Operator]] = _discover()
