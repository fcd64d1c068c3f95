"""A bench for the engine alone: an input folder, and runs of pipelines over it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from transforms.engine.encoders import Encoders, FastEngine, SplintrEncoder, TokenizerFile
from transforms.engine.plan import InputFile, Plan, plan
from transforms.engine.result import RunReport
from transforms.engine.run_local import run
from transforms.engine.sources import LocalFile, LocalFolder, Workspace
from transforms.engine.spec import read_spec


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

    def document(self, steps: Sequence[Mapping[str, object]], **given: Any) -> dict[str, Any]:
        """Return a document; `output` and `split` go there, what else is given to the input."""
        output, split = given.pop("output", {}), given.pop("split", None)
        return {
            "version": 1,
            "inputs": [{"name": "/acme/nlp/~/code", **given}],
            "steps": list(steps),
            "output": {"name": "/acme/nlp/~/code-tokens", **output},
            **({} if split is None else {"split": split}),
        }

    def plan(
        self,
        steps: Sequence[Mapping[str, object]],
        shard_bytes: int = 32 * 1024 * 1024,
        **given: Any,
    ) -> Plan:
        return self.plan_of(self.document(steps, **given), shard_bytes)

    def plan_of(self, document: object, shard_bytes: int = 32 * 1024 * 1024) -> Plan:
        """Return the plan of a whole document over the files of the input folder."""
        files = [
            InputFile(
                str(path.relative_to(self.root / "input")),
                path.stat().st_size,
                hashlib.sha256(path.read_bytes()).hexdigest(),
            )
            for path in (self.root / "input").rglob("*")
            if path.is_file()
        ]
        spec = read_spec(document)
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
        self,
        planned: Plan,
        name: str = "run",
        threads: int = 1,
        fast_engine: FastEngine | None = SplintrEncoder,
    ) -> RunReport:
        encoders = Encoders(self.resolver, fast_engine)
        return run(planned, self.workspace(name), encoders, threads)

    def rows(self, report: RunReport, name: str = "run") -> list[dict[str, Any]]:
        """Return all rows written, in shard order."""
        folder = self.root / name / "output"
        return [
            row
            for entry in report.outputs
            for row in pq.read_table(folder / entry.path).to_pylist()
        ]

    def bad_rows(self, report: RunReport, name: str = "run") -> list[dict[str, Any]]:
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
