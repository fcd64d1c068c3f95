"""Builders for pipelines over local files; the tokenizers are those that litellm carries."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest

from core.errors import InvalidSpec
from tests.transforms.bench import Bench
from tests.transforms.mesh import Mesh, found_mesh
from transforms.engine.encoders import TokenizerFile
from transforms.services import pipelines


def _read_tokenizer(name: str) -> TokenizerFile:
    package = find_spec("litellm")
    assert package is not None
    assert package.origin is not None
    folder = Path(package.origin).parent / "litellm_core_utils" / "tokenizers"
    data = (folder / f"{name}_tokenizer.json").read_bytes()
    return TokenizerFile(data, hashlib.sha256(data).hexdigest())


@pytest.fixture(scope="session")
def resolver() -> Callable[[str], TokenizerFile]:
    known = {name: _read_tokenizer(name) for name in ("anthropic", "deepseek")}

    def resolve(name: str) -> TokenizerFile:
        if name not in known:
            raise InvalidSpec(f"There is no tokenizer {name!r}.", errors=[])
        return known[name]

    return resolve


@pytest.fixture
def bench(tmp_path: Path, resolver: Callable[[str], TokenizerFile]) -> Bench:
    return Bench(tmp_path, resolver)


@pytest.fixture
def mesh(db: None) -> Mesh:
    """A mesh that keeps its data in a folder."""
    return found_mesh()


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> int:
    """Cut input into shards of a kilobyte."""
    monkeypatch.setattr(pipelines, "SHARD_BYTES", 1024)
    return 1024


@pytest.fixture
def installed_tokenizer(tmp_path: Path, settings: Any) -> str:
    """Install a tokenizer in a folder of this test."""
    package = find_spec("litellm")
    assert package is not None
    assert package.origin is not None
    carried = Path(package.origin).parent / "litellm_core_utils" / "tokenizers"
    target = tmp_path / "tokenizers" / "anthropic" / "tokenizer.json"
    target.parent.mkdir(parents=True)
    copyfile(carried / "anthropic_tokenizer.json", target)
    settings.FAIRMESH = replace(settings.FAIRMESH, tokenizers=tmp_path / "tokenizers")
    return "anthropic"
