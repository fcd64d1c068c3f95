"""Builders for pipelines over local files; the tokenizers are those that litellm carries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.errors import InvalidSpec
from tests.transforms import carried
from tests.transforms.bench import Bench
from tests.transforms.mesh import Mesh, kept_mesh
from transforms.engine.encoders import TokenizerFile
from transforms.services import pipelines


@pytest.fixture(scope="session")
def resolver() -> Callable[[str], TokenizerFile]:
    known = {name: carried.read(name) for name in ("anthropic", "deepseek")}

    def resolve(name: str) -> TokenizerFile:
        if name not in known:
            raise InvalidSpec(f"There is no tokenizer {name!r}.", errors=[])
        return known[name]

    return resolve


@pytest.fixture
def bench(tmp_path: Path, resolver: Callable[[str], TokenizerFile]) -> Bench:
    return Bench(tmp_path, resolver)


@pytest.fixture
def mesh(db: None, tmp_path: Path) -> Mesh:
    """A mesh that keeps its data in a folder."""
    return kept_mesh(tmp_path)


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> int:
    """Cut input into shards of a kilobyte."""
    monkeypatch.setattr(pipelines, "SHARD_BYTES", 1024)
    return 1024


@pytest.fixture
def installed_tokenizer(tmp_path: Path, settings: Any) -> str:
    """Install a tokenizer in a folder of this test."""
    carried.install("anthropic", tmp_path / "tokenizers")
    settings.FAIRMESH = replace(settings.FAIRMESH, tokenizers=tmp_path / "tokenizers")
    return "anthropic"
