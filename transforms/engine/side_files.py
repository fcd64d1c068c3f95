"""Files that tell of the rows of other files and hold none, known by the names that formats fix."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from core.errors import Invalid
from transforms.engine.readers import Format, kind_of

_BESIDE: Mapping[str, frozenset[Format]] = {
    "index.json": frozenset({"mds"}),
    "dataset_dict.json": frozenset({"arrow", "parquet"}),
    "dataset_info.json": frozenset({"arrow", "parquet"}),
    "state.json": frozenset({"arrow"}),
}
"""What lies beside or above files of some formats: MDS, and saved data sets of `datasets`."""


def side_files(paths: Iterable[str], declared: str) -> frozenset[str]:
    """Return the paths that tell of others among them, which are of the format `declared`."""
    named: set[str] = set()
    below: set[tuple[str, Format | None]] = set()
    for path in paths:
        if _name(path) in _BESIDE:
            named.add(path)
            continue
        kind, folder = _format(path, declared), path
        while folder:
            folder = folder.rpartition("/")[0]
            below.add((folder, kind))
    return frozenset(
        path
        for path in named
        if any((path.rpartition("/")[0], kind) in below for kind in _BESIDE[_name(path)])
    )


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _format(path: str, declared: str) -> Format | None:
    try:
        return kind_of(path, declared)[0]
    except Invalid:
        return None
