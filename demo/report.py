"""What the demonstration tells: a readable report, and the same as JSON for programs."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

Row = dict[str, Any]
_ROWS_SHOWN = 8
_MIB = 1024 * 1024


@dataclass
class Report:
    """Everything that was done and seen. Counts are what the mesh itself answers."""

    products: int = 0
    versions: int = 0
    stores: int = 0
    placements: list[Row] = field(default_factory=list)
    """What each store holds."""
    published: list[Row] = field(default_factory=list)
    transfers: list[Row] = field(default_factory=list)
    refusals: list[Row] = field(default_factory=list)
    runs: list[Row] = field(default_factory=list)
    lineage: Row = field(default_factory=dict)
    access: list[Row] = field(default_factory=list)
    verified: list[Row] = field(default_factory=list)
    chapters: list[Row] = field(default_factory=list)
    """Seconds spent in each chapter."""

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    def show(self, console: Console) -> None:
        """Print the whole report; long lists are cut, and say so."""
        console.print(f"\n[bold]{self.products} products, {self.versions} versions[/bold]")
        _table(console, "Stores", self.placements, ["store", "site", "jurisdictions", "replicas"])
        largest = sorted(self.published, key=lambda row: -row["bytes"])
        columns = ["name", "files", "size", "digest"]
        _table(console, "Published", [_sized(row) for row in largest], columns)
        columns = ["name", "source", "target", "size", "seconds", "state"]
        self._show_states(console)
        moved = sorted(self.transfers, key=lambda row: -row["bytes"])
        _table(console, "Transfers", [_sized(row) for row in moved], columns)
        columns = ["action", "name", "target", "policy", "reason"]
        _table(console, "Refused by policy", self.refusals, columns)
        columns = [
            "output", "rows_in", "documents", "dropped", "dropped_by", "quarantined", "rows_out",
            "tokens", "seconds",
        ]  # fmt: skip
        _table(console, "Runs", self.runs, columns)
        console.print(f"Lineage: {self.lineage['nodes']} nodes, {self.lineage['edges']} edges")
        columns = ["principal", "action", "name", "allowed", "policies"]
        _table(console, "Decisions on access", self.access, columns, limit=len(self.access))
        _table(console, "Verified off-line", self.verified, ["name", "ok", "files", "told"])
        _table(console, "Chapters", self.chapters, ["chapter", "seconds"], limit=20)

    def _show_states(self, console: Console) -> None:
        states = Counter(row["state"] for row in self.transfers)
        moved = sum(row["bytes"] for row in self.transfers if row["state"] == "done")
        told = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
        console.print(f"Transfers: {told or 'none'}; {moved / _MIB:.1f} MiB moved")


def _sized(row: Row) -> Row:
    return {**row, "size": f"{row['bytes'] / _MIB:.2f} MiB"}


def _table(
    console: Console, title: str, rows: list[Row], columns: list[str], limit: int = _ROWS_SHOWN
) -> None:
    table = Table(title=f"{title} ({len(rows)})", title_justify="left", header_style="bold")
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows[:limit]:
        table.add_row(*(_text(row.get(column)) for column in columns))
    if len(rows) > limit:
        table.add_row(f"… and {len(rows) - limit} more")
    console.print(table)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{key} {number}" for key, number in value.items())
    if isinstance(value, float):
        return f"{value:.1f}"
    return "-" if value is None else str(value)
