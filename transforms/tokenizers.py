"""The tokenizers of this installation: `<folder>/<name>/tokenizer.json`, each loaded once.

Where a model lies beside one, `embed` finds it there.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from transforms.engine.embedding import FolderState, read_folder, state_of
from transforms.engine.encoders import Encoders, TokenizerFile
from transforms.engine.problems import Problem, nearest, refuse

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_FILE = "tokenizer.json"


def installed() -> list[str]:
    """Return the names of the tokenizers in the folder, sorted."""
    return sorted(path.parent.name for path in _folder().glob(f"*/{_FILE}"))


def resolve(name: str) -> TokenizerFile:
    """Return the tokenizer of that name; raise InvalidSpec that names the nearest one.

    A name is one component, so it can never lead out of the folder. A file that was replaced is
    read anew.
    """
    path = _folder() / name / _FILE
    if not _NAME.fullmatch(name) or not path.is_file():
        known = installed()
        message = f"There is no tokenizer {name!r}; installed are: {', '.join(known) or 'none'}."
        raise refuse([Problem("tokenizer", message, nearest(name, known))])
    return _read(path.parent, state_of(path.parent))


def encoders(names: tuple[str, ...]) -> Encoders:
    """Return the loaded tokenizers of this process, without verdicts."""
    return _encoders(tuple((name, resolve(name).sha256) for name in names))


def _folder() -> Path:
    folder: Path = settings.FAIRMESH.tokenizers
    return folder


@lru_cache(maxsize=32)
def _read(folder: Path, state: FolderState) -> TokenizerFile:
    del state
    return read_folder(folder)


@lru_cache(maxsize=4)
def _encoders(digests: tuple[tuple[str, str], ...]) -> Encoders:
    del digests
    return Encoders(resolve)
