"""The tokenizers that litellm carries: real ones, which every environment of the tests has."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from shutil import copyfile

from transforms.engine.encoders import TokenizerFile


def path_of(name: str) -> Path:
    package = find_spec("litellm")
    assert package is not None
    assert package.origin is not None
    folder = Path(package.origin).parent / "litellm_core_utils" / "tokenizers"
    return folder / f"{name}_tokenizer.json"


@cache
def read(name: str) -> TokenizerFile:
    data = path_of(name).read_bytes()
    return TokenizerFile(data, hashlib.sha256(data).hexdigest())


def install(name: str, tokenizers: Path) -> None:
    """Put a tokenizer where an installation looks for it."""
    target = tokenizers / name / "tokenizer.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    copyfile(path_of(name), target)
