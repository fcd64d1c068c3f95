"""docs/reference/events.md tells of every topic that the code emits, and of nothing else."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
APPS = ("core", "governance", "catalog", "lineage", "movement", "transforms", "config")


@cache
def sources() -> list[ast.Module]:
    return [
        ast.parse(path.read_text(), str(path))
        for app in APPS
        for path in sorted((REPOSITORY / app).rglob("*.py"))
        if "migrations" not in path.parts
    ]


def constants(modules: list[ast.Module]) -> dict[str, str]:
    return {
        target.id: node.value.value
        for module in modules
        for node in module.body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def topics(verb: str) -> set[str]:
    modules = sources()
    known = constants(modules)
    found = set()
    for module in modules:
        for node in ast.walk(module):
            called = node.func if isinstance(node, ast.Call) else None
            if not isinstance(called, ast.Attribute) or called.attr != verb:
                continue
            if not (isinstance(called.value, ast.Name) and called.value.id == "outbox"):
                continue
            assert isinstance(node, ast.Call)
            topic = node.args[0]
            if isinstance(topic, ast.Name):
                found.add(known[topic.id])
            else:
                assert isinstance(topic, ast.Constant)
                found.add(str(topic.value))
    return found


def test_every_topic_has_its_section() -> None:
    page = (REPOSITORY / "docs/reference/events.md").read_text()
    told = {line.removeprefix("## ") for line in page.splitlines() if line.startswith("## ")}
    assert told == topics("emit")


def test_nobody_waits_for_an_event_that_nobody_emits() -> None:
    assert topics("subscribe") <= topics("emit")
