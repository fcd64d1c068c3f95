"""The examples of docs/reference/policies.md are valid, and their own tests pass."""

from __future__ import annotations

import re
from pathlib import Path

from core.yaml_text import read_yaml
from governance.engine import documents, expectations
from governance.engine.policyset import policy_set
from governance.selectors import default_policies, schema_text

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "policies.md").read_text()


def test_every_example_is_valid_and_passes_its_own_tests() -> None:
    kinds = set()
    for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL):
        if text.startswith("kind:"):
            document = documents.parse(text)
            kinds.add(document.kind)
            assert expectations.failures_of(document) == []
            continue
        tests = read_yaml(text)
        expectations.check_access_tests(tests)
        kinds.add("access")
        policies = policy_set(default_policies(), schema_text())
        assert expectations.access_failures(policies, tests) == []
    assert kinds == {*documents.KINDS, "access"}


def test_every_field_is_told() -> None:
    for kind in documents.KINDS:
        for field in documents.SPECS[kind]["properties"]:
            assert f"`{field}" in PAGE or f"{field}:" in PAGE, f"{kind}: {field}"
