"""Builders for pipelines over local files; the tokenizers are those that litellm carries."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from shutil import copyfile
from typing import Any

import pyarrow.parquet as pq
import pytest

from core.errors import InvalidSpec
from tests.transforms.mesh import Mesh, found_mesh
from transforms.engine.encoders import Encoders, TokenizerFile
from transforms.engine.plan import InputFile, Plan, plan
from transforms.engine.result import RunReport
from transforms.engine.run_local import run
from transforms.engine.sources import LocalFile, LocalFolder, Workspace
from transforms.engine.spec import read_spec
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


@dataclass
class Bench:
    """An input folder, and runs of pipelines over it."""

    root: Path
    resolver: Callable[[str], TokenizerFile]

    def write(self, name: str, data: bytes) -> None:
        target = self.root / "input" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    def write_rows(self, name: str, rows: Sequence[Mapping[str, object]]) -> None:
        self.write(name, b"".join(json.dumps(row).encode() + b"\n" for row in rows))

    def document(self, steps: Sequence[Mapping[str, object]], **given: object) -> dict[str, object]:
        return {
            "version": 1,
            "inputs": [{"name": "/acme/nlp/~/code", **given}],
            "steps": list(steps),
            "output": {"name": "/acme/nlp/~/code-tokens"},
        }

    def plan(
        self,
        steps: Sequence[Mapping[str, object]],
        shard_bytes: int = 32 * 1024 * 1024,
        **given: object,
    ) -> Plan:
        files = [
            InputFile(
                str(path.relative_to(self.root / "input")),
                path.stat().st_size,
                hashlib.sha256(path.read_bytes()).hexdigest(),
            )
            for path in (self.root / "input").rglob("*")
            if path.is_file()
        ]
        spec = read_spec(self.document(steps, **given))
        return plan(spec, files, self.open_input, self.resolver, shard_bytes)

    def open_input(self, path: str) -> LocalFile:
        return LocalFile(self.root / "input" / path)

    def workspace(self, name: str = "run") -> Workspace:
        return Workspace(
            self.open_input,
            LocalFolder(self.root / name / "scratch"),
            LocalFolder(self.root / name / "output"),
        )

    def run(
        self, planned: Plan, name: str = "run", threads: int = 1, **encoders: object
    ) -> RunReport:
        return run(planned, self.workspace(name), Encoders(self.resolver, **encoders), threads)

    def rows(self, report: RunReport, name: str = "run") -> list[dict[str, object]]:
        """Return all rows written, in shard order."""
        folder = self.root / name / "output"
        return [
            row
            for entry in report.outputs
            for row in pq.read_table(folder / entry.path).to_pylist()
        ]

    def bad_rows(self, report: RunReport, name: str = "run") -> list[dict[str, object]]:
        folder = self.root / name / "output"
        return [
            row
            for entry in report.quarantines
            for row in pq.read_table(folder / entry.path).to_pylist()
        ]

    def files(self, name: str = "run") -> dict[str, bytes]:
        """Return every object written to the output."""
        folder = self.root / name / "output"
        return {
            str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }


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
