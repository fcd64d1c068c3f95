"""Policies as a folder of files: what the mesh exports is written, what lies there is sent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fairmesh.errors import UsageError

KINDS = ("access", "naming", "protection", "services")
SUFFIXES = frozenset({".cedar", ".yaml"})


def read_folder(folder: Path) -> dict[str, str]:
    """Return the policy files of a folder by path; raise UsageError for one that is no text."""
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}.")
    try:
        return {
            path.relative_to(folder).as_posix(): path.read_bytes().decode()
            for kind in KINDS
            for path in sorted((folder / kind).glob("*"))
            if path.suffix in SUFFIXES
        }
    except UnicodeDecodeError as error:
        raise UsageError(f"A file in {folder} is not UTF-8: {error}") from error


def write_folder(folder: Path, files: Mapping[str, str]) -> list[str]:
    """Make the policy files of a folder just these; return the paths that were taken away."""
    folder.mkdir(parents=True, exist_ok=True)
    gone = sorted(read_folder(folder).keys() - files.keys())
    for path in gone:
        (folder / path).unlink()
    for path, text in files.items():
        kind, _, name = path.partition("/")
        if kind not in KINDS or "/" in name or Path(name).suffix not in SUFFIXES:
            raise UsageError(f"The mesh names a file that is no policy: {path}.")
        (folder / kind).mkdir(exist_ok=True)
        (folder / path).write_bytes(text.encode())
    return gone
