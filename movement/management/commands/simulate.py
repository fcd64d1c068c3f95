"""`manage.py simulate scenario.yaml`: what becomes of a mesh, by the platform's own planner."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.errors import FairmeshError
from governance.engine.policyset import policy_set
from governance.selectors import default_policies, schema_text
from movement.engine.simulation import report
from movement.engine.simulation.keeper import Rules
from movement.engine.simulation.law import cedar_judges
from movement.engine.simulation.picture import picture
from movement.engine.simulation.run import simulate
from movement.engine.simulation.scenario import read_scenario

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"


class Command(BaseCommand):
    """Runs a scenario and tells of it. It reads no table and writes none, and moves no byte."""

    help = "Simulate a mesh: repairs, bytes, money, and whether a policy was ever violated."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("scenario", help="a YAML file, or the name of one that comes along")
        parser.add_argument("--seed", type=int, default=None, help="instead of the scenario's")
        parser.add_argument("--days", type=float, default=None, help="instead of the scenario's")
        parser.add_argument("--json", action="store_true", help="the report for programs")
        parser.add_argument("--picture", type=Path, default=None, help="write an SVG there")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["days"] is not None and not 0 < options["days"] <= 3650:
            raise CommandError("--days is more than 0, and 3650 at most.")
        judges = cedar_judges(policy_set(default_policies(), schema_text()))
        try:
            scenario = read_scenario(_text(options["scenario"]))
        except FairmeshError as error:
            places = [f"{e['where']}: {e['message']}" for e in error.extra.get("errors", [])]
            raise CommandError("\n".join([error.detail, *places])) from error
        outcome = simulate(
            scenario, seed=options["seed"], days=options["days"], rules=Rules(judges)
        )
        told = report.facts(outcome)
        if options["picture"] is not None:
            _write(options["picture"], picture(outcome, told))
        if options["json"]:
            self.stdout.write(json.dumps(told, indent=2, ensure_ascii=False))
        else:
            self.stdout.write(report.text(told), ending="")
        if told["violations"]["count"]:
            raise CommandError("Policies were violated.")


def _text(named: str) -> str:
    known = sorted(path.stem for path in SCENARIOS.glob("*.yaml"))
    path = SCENARIOS / f"{named}.yaml" if named in known else Path(named)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        told = f"There is no scenario {named}; these come along: {', '.join(known)}."
        raise CommandError(told) from error


def _write(path: Path, drawn: str) -> None:
    try:
        path.write_text(drawn, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"The picture cannot be written: {error}.") from error
