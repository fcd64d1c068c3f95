"""Real documents that every environment has: what packages say of themselves, and docstrings."""

from __future__ import annotations

import re
import sysconfig
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

_DOCSTRING = re.compile(r'"""(.{300,}?)"""', re.DOTALL)


@cache
def documents() -> tuple[str, ...]:
    """Return some thousand documents: descriptions, their parts, modules and docstrings."""
    found: list[str] = []
    for package in distributions():
        text = package.read_text("METADATA") or ""
        found += [text, *(part for part in re.split(r"\n(?=#)", text) if len(part) > 100)]
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        source = path.read_text(errors="replace")
        found += [source, *_DOCSTRING.findall(source)]
    return tuple(dict.fromkeys(found))
