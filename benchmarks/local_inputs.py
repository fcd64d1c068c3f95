"""What our sides of benchmarks give the engine: files of this machine, without a platform."""

from __future__ import annotations

import hashlib
from pathlib import Path

from transforms.engine.encoders import TokenizerFile
from transforms.engine.plan import InputFile


def input_file(path: Path) -> InputFile:
    """Return a file as its manifest would have it; reads all of it."""
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return InputFile(path.name, path.stat().st_size, sha256)


def no_tokenizer(name: str) -> TokenizerFile:
    """Resolve no tokenizer: for pipelines that encode nothing."""
    raise LookupError(name)
