"""The tokenizers of this installation: `<folder>/<name>/tokenizer.json`, each loaded once."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path

from django.conf import settings

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
    status = path.stat()
    return _read(path, status.st_mtime_ns, status.st_size)


def encoders(names: tuple[str, ...]) -> Encoders:
    """Return the loaded tokenizers of this process, without verdicts."""
    return _encoders(tuple((name, resolve(name).sha256) for name in names))


def _folder() -> Path:
    folder: Path = settings.FAIRMESH.tokenizers
    return folder


@lru_cache(maxsize=32)
def _read(path: Path, modified_ns: int, size: int) -> TokenizerFile:
    del modified_ns, size
    data = path.read_bytes()
    return TokenizerFile(data, hashlib.sha256(data).hexdigest())


@lru_cache(maxsize=4)
def _encoders(digests: tuple[tuple[str, str], ...]) -> Encoders:
    del digests
    return Encoders(resolve)
