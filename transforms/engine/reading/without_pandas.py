"""What a child that reads does first: pandas is not there for it.

pyarrow loads pandas where it is installed. That takes a second, more than the rest of the child,
and nothing here uses it. A None in `sys.modules` would not do: pyarrow takes it for pandas.
"""

from __future__ import annotations

import sys


class _WithoutPandas:
    """A finder of modules, asked before all others."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("pandas is not loaded here", name=name)


def without_pandas() -> None:
    """Have every later import of pandas in this process fail; call it before pyarrow is there."""
    sys.meta_path.insert(0, _WithoutPandas())
