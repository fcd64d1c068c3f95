"""A bench for the engine alone: an input folder, and runs of pipelines over it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from transforms.engine.encoders import FAST_ENGINES, Encoders, FastEngine, Resolver
from transforms.engine.plan import Given, InputFile, Plan, plan
from transforms.engine.result import RunReport
from transforms.engine.run_local import run
from transforms.engine.sources import LocalFile, LocalFolder, OpenInput, Workspace
from transforms.engine.spec import MOST_INPUTS, read_spec


@lru_cache(maxsize=4)
def _encoders(resolver: Resolver, fast_engines: tuple[FastEngine, ...]) -> Encoders:
    """The tokenizers that all tests load once, as a process of the platform does."""
    return Encoders(resolver, fast_engines)


@dataclass
class Bench:
    """An input folder, and runs of pipelines over it."""

    root: Path
    resolver: Resolver

    def write(self, name: str, data: bytes, number: int = 0) -> None:
        """Write a file of an input, by default of the first."""
        target = self._folder(number) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    def write_rows(self, name: str, rows: Sequence[Mapping[str, object]], number: int = 0) -> None:
        self.write(name, b"".join(json.dumps(row).encode() + b"\n" for row in rows), number)

    def _folder(self, number: int) -> Path:
        return self.root / ("input" if number == 0 else f"input-{number}")

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
        """Return the plan of a whole document over the files of the input folders."""
        spec = read_spec(document)
        first, *further = (self.given(number) for number in range(len(spec.inputs)))
        return plan(
            spec, first.files, first.open_input, self.resolver, shard_bytes, further=further
        )

    def given(self, number: int = 0) -> Given:
        folder = self._folder(number)
        files = [
            InputFile(
                str(path.relative_to(folder)),
                path.stat().st_size,
                hashlib.sha256(path.read_bytes()).hexdigest(),
            )
            for path in folder.rglob("*")
            if path.is_file()
        ]
        return Given(files, self.opener(number))

    def opener(self, number: int) -> OpenInput:
        return lambda path: LocalFile(self._folder(number) / path)

    def open_input(self, path: str) -> LocalFile:
        return LocalFile(self._folder(0) / path)

    def workspace(self, name: str = "run") -> Workspace:
        return Workspace(
            self.open_input,
            LocalFolder(self.root / name / "scratch"),
            LocalFolder(self.root / name / "output"),
            tuple(self.opener(number) for number in range(1, MOST_INPUTS)),
        )

    def run(
        self,
        planned: Plan,
        name: str = "run",
        threads: int = 1,
        fast_engines: Sequence[FastEngine] = FAST_ENGINES,
    ) -> RunReport:
        encoders = _encoders(self.resolver, tuple(fast_engines))
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
