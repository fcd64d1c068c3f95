"""Reading back what the engine itself wrote as JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

T = TypeVar("T")


def rebuilt(cls: Callable[..., T], stored: object, **members: object) -> T:
    """Return the dataclass that `asdict` took apart; `members` are those that are no JSON values.

    Raises TypeError when a member is missing or unknown: the JSON is of another release.
    """
    return cls(**{**cast("dict[str, object]", stored), **members})
